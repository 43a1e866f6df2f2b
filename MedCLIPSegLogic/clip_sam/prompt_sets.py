"""Prompt designs P0 to P5 of MedCLIP-SAMv2 (arXiv 2409.19483) by kind of study, from a data file.

Nothing here needs a package of others: the panel shows the studies before they are installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import MedCLIPSegError, listed, quoted
from ..files.json_reading import read_json

Design = Literal["P0", "P1", "P2", "P3", "P4", "P5"]
DESIGNS: tuple[Design, ...] = get_args(Design)
PUBLISHED_FILE = Path(__file__).parent.parent / "Resources" / "Prompts" / "zeroshot.json"
ENSEMBLE = 20
"""Sentences averaged by P4 and P5, as published."""
PLACEHOLDER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Study:
    """What is known of one kind of study.

    Args:
        object: what is looked for, such as "breast tumor".
        studies: names of the study.
        features: what the object looks like in it.
        classes: kinds of the object, each with what that kind looks like.
    """

    object: str
    studies: tuple[str, ...]
    features: tuple[str, ...]
    classes: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class PromptSets:
    """Studies by name and the templates of captions, with ``{study}``, ``{features}`` and ``{object}``."""

    studies: dict[str, Study]
    captions: tuple[str, ...]

    def sentences(self, design: Design, study: str, kind: str | None = None) -> list[str]:
        """The sentences of a design, whose text vectors are averaged.

        P0 is the object's name, P1 that of its kind; P2 one caption, P3 one of the kind; P4 and P5 twenty of them, or
        as many as the file makes. P1, P3 and P5 need to know the kind, which is what a diagnosis would find out.

        Args:
            design: P0 to P5.
            study: name of the kind of study.
            kind: name of the kind of the object; None where the design needs none.

        Raises:
            MedCLIPSegError: study or kind is unknown, or the design needs a kind.
        """
        known = self.studies.get(study)
        if known is None:
            raise MedCLIPSegError(
                f"There are no prompts for '{quoted(study)}'; there are some for {listed(self.studies)}."
            )
        name, features = known.object, known.features
        if design in ("P1", "P3", "P5"):
            if kind not in known.classes:
                kinds = listed(known.classes) or "none"
                raise MedCLIPSegError(f"The prompts {design} of '{quoted(study)}' need a kind; there is: {kinds}.")
            features = known.classes[kind]
            name = kind if known.object.split()[-1] in kind else f"{kind} {known.object}"
        if design in ("P0", "P1"):
            return [name]
        captions = [
            template.replace("{study}", studies).replace("{features}", looks).replace("{object}", name)
            for looks in features
            for template, studies in zip(self.captions, cycle(known.studies), strict=False)
        ]
        count = 1 if design in ("P2", "P3") else ENSEMBLE
        return [caption[:1].upper() + caption[1:] for caption in captions[:count]]


def load_prompt_sets(file: Path = PUBLISHED_FILE) -> PromptSets:
    """Read a JSON file of studies and captions.

    ``studies`` maps the name of a kind of study to ``object`` (a text), ``studies`` (names of the study), ``features``
    and optionally ``classes`` (features by kind of the object); ``caption`` lists templates with ``{features}`` and
    optionally ``{study}`` and ``{object}``.

    Raises:
        MedCLIPSegError: it cannot be read, or a field is missing or of the wrong kind.
    """
    try:
        data = read_json(file)
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no file {file} of prompt sets.") from None
    try:
        entries = _get(data, "studies", "", dict, "one entry per study")
        studies = {name: _study(entry, f"studies.{name}.") for name, entry in entries.items()}
        captions = _texts(data, "caption", "")
        for caption in captions:
            unknown = set(PLACEHOLDER.findall(caption)) - {"{study}", "{features}", "{object}"}
            if "{features}" not in caption or unknown:
                wrong = f"holds the unknown {quoted(min(unknown))}" if unknown else "lacks {features}"
                raise _WrongFieldError(f"a text of the field caption {wrong}")
    except _WrongFieldError as error:
        raise MedCLIPSegError(f"The prompt sets {file} cannot be used: {error}.") from None
    return PromptSets(studies, captions)


class _WrongFieldError(Exception):
    """What is wrong with which field."""


def _get(entry: Any, name: str, within: str, kind: type, what: str) -> Any:
    """A field that must be there, hold something and be of a kind."""
    if not isinstance(entry, dict):
        raise _WrongFieldError(
            f"the field {quoted(within.rstrip('.'))} must hold fields" if within else "it must hold fields"
        )
    if name not in entry:
        raise _WrongFieldError(f"the field {quoted(within + name)} is missing")
    if not isinstance(entry[name], kind) or not entry[name] or (kind is str and not entry[name].strip()):
        raise _WrongFieldError(f"the field {quoted(within + name)} must be {what}")
    return entry[name]


def _texts(entry: Any, name: str, within: str) -> tuple[str, ...]:
    what = "a list of texts"
    values = _get(entry, name, within, list, what)
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise _WrongFieldError(f"the field {quoted(within + name)} must be {what}")
    return tuple(values)


def _study(entry: Any, within: str) -> Study:
    looks = _texts(entry, "features", within)
    classes = _get(entry, "classes", within, dict, "one list of texts per kind") if entry.get("classes") else {}
    return Study(
        _get(entry, "object", within, str, "a text"),
        _texts(entry, "studies", within),
        looks,
        {name: _texts(classes, name, f"{within}classes.") for name in classes},
    )
