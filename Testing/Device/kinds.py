"""What the packed sets show: their words, and which other sets' things they cannot hold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from packed import PackedItem

from MedCLIPSegLab.data import prompt_words
from MedCLIPSegLab.training.data import TrainingItem, TrainingSet

KINDS_FILE = Path(__file__).with_name("kinds.json")


@dataclass(frozen=True)
class Kind:
    """One set.

    Args:
        weight: how much more often than by the root of its size it is drawn.
        specific: words for its things that no other kind of image shares.
        names: words for the things by class.
        held_out: words for the evaluation only.
        healthy: things that none of its images holds although its part of the body could.
        sided: left and right are sides of the body, so mirrored copies swap the words, and nothing is asked for by
            its place in the picture.
        flip: whether pictures may be flipped.
        upright: whether pictures have an upper side.
        complete: everything a class names is labeled, so what is not labeled is not there.
    """

    weight: float
    specific: tuple[str, ...]
    names: dict[str, tuple[str, ...]]
    held_out: tuple[str, ...] = ()
    healthy: tuple[str, ...] = ()
    sided: bool = False
    flip: bool = True
    upright: bool = True
    complete: bool = False


@dataclass(frozen=True)
class Kinds:
    """All sets; ``groups`` name those that may show each other's things, ``also_foreign`` the exceptions."""

    sets: dict[str, Kind]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    also_foreign: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def are_foreign(self, name: str, other: str) -> bool:
        """True if images of a set cannot show the things of another."""
        if name == other:
            return False
        together = any(name in group and other in group for group in self.groups.values())
        return not together or other in self.also_foreign.get(name, ())

    def words(self) -> Iterator[str]:
        """Every wording that is trained, for the vocabulary."""
        for kind in self.sets.values():
            yield from kind.specific
            yield from kind.healthy
            for names in kind.names.values():
                yield from names


def read_kinds(path: Path = KINDS_FILE) -> Kinds:
    """The kinds of ``kinds.json``."""
    data = json.loads(path.read_text(encoding="utf-8"))
    sets = {name: Kind(**_frozen(kind)) for name, kind in data["sets"].items()}
    return Kinds(sets, _frozen(data["groups"]), _frozen(data["also_foreign"]))


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    return tuple(value) if isinstance(value, list) else value


def prepared(training_set: TrainingSet, kind: Kind) -> TrainingSet:
    """A set as it is trained on: mirrored copies, no false flips, and the classes that are not there."""
    items: list[TrainingItem] = []
    for number, item in enumerate(training_set.items):
        assert isinstance(item, PackedItem)
        changed = _with_missing(item, kind, number) if kind.complete else item
        changed = dataclasses.replace(
            changed,
            is_picture=item.is_picture and kind.flip and not kind.sided,
            is_color=item.is_color or not kind.upright,
        )
        items.append(changed)
        if kind.sided:
            items.append(_mirrored(changed))
    return dataclasses.replace(training_set, items=tuple(items))


def _mirrored(item: PackedItem) -> PackedItem:
    def swap(text: str) -> str:
        return prompt_words.swap_words(text, horizontal=True, vertical=False)

    targets = tuple((swap(text), np.ascontiguousarray(mask[:, ::-1])) for text, mask in item.targets)
    other = {"left_lung": "right_lung", "right_lung": "left_lung"}
    classes = tuple(other.get(kind, kind) for kind in item.classes)
    return dataclasses.replace(item, image=np.ascontiguousarray(item.image[:, ::-1]), targets=targets, classes=classes)


def _with_missing(item: PackedItem, kind: Kind, number: int) -> PackedItem:
    """Every other class that is not labeled is asked for as well, with an empty mask."""
    missing = [name for name in kind.names if name not in item.classes][number % 2 :: 2]
    if not missing:
        return item
    image = next((found for text, _ in item.targets if (found := prompt_words.named_image(text))), "image")
    empty = np.zeros_like(item.targets[0][1])
    targets = tuple((f"{kind.names[name][0]} in the {image}", empty) for name in missing)
    return dataclasses.replace(item, targets=item.targets + targets, classes=(*item.classes, *missing))


def class_of_prompts(training_set: TrainingSet) -> dict[str, str]:
    """The class every prompt of a set means."""
    classes: dict[str, str] = {}
    for item in training_set.items:
        assert isinstance(item, PackedItem)
        classes |= {text: kind for (text, _), kind in zip(item.targets, item.classes, strict=True)}
    return classes
