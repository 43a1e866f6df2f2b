"""The wordings of ``Resources/Prompts/styles.json``: those to train with, and others held out for evaluation."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from MedCLIPSegLogic.checked import checked, from_json

STYLES_FILE = Path(__file__).parent.parent / "Resources" / "Prompts" / "styles.json"
Wordings = tuple[str, ...]


@checked
@dataclass(frozen=True)
class PromptWordings:
    """Wordings with gaps.

    ``{target}`` stands for the thing asked for, ``{prompt}`` for a whole prompt, ``{place}`` for a place and ``{word}``
    for a word without meaning.

    Args:
        short, overdescriptive, absence, mosaic: templates.
        around: short templates with unknown words around the thing.
        contradictory: templates that deny what the image shows.
        places: words of place for prompts that tell a wrong one.
        synonyms: other words for a noun; the noun itself may be among them.
        sizes: words of size.
        one_of_several: templates for "left", "right", "top", "bottom", "larger" and "smaller".
        absent_things: things by the area of the body they are in.
        areas: anatomical words by area of the body.
        neutral: templates for evaluation only.
        denials: templates that deny a thing, for evaluation only.
        unseen_mosaic, unseen_one_of_several, unseen_things, unseen_synonyms: as ``mosaic``, ``one_of_several``,
            ``absent_things`` and ``synonyms``, for evaluation only.
    """

    short: Wordings
    overdescriptive: Wordings
    around: Wordings
    absence: Wordings
    mosaic: Wordings
    contradictory: Wordings
    places: Wordings
    synonyms: dict[str, Wordings]
    sizes: Wordings
    one_of_several: dict[str, Wordings]
    absent_things: dict[str, Wordings]
    areas: dict[str, Wordings]
    neutral: Wordings
    denials: Wordings
    unseen_mosaic: Wordings
    unseen_one_of_several: dict[str, Wordings]
    unseen_things: dict[str, Wordings]
    unseen_synonyms: dict[str, Wordings]

    def areas_of(self, anatomy: Collection[str]) -> frozenset[str]:
        """Areas of the body that anatomical words belong to."""
        return frozenset(area for area, words in self.areas.items() if not set(words).isdisjoint(anatomy))

    def things_elsewhere(self, anatomy: Collection[str], held_out: bool = False) -> list[str]:
        """Things an image of these parts of the body cannot show; none when nothing is known of the image.

        Args:
            anatomy: anatomical words of the image's data set.
            held_out: things that were never asked for in training.
        """
        here = self.areas_of(anatomy)
        things = self.unseen_things if held_out else self.absent_things
        return [thing for area, names in things.items() if area not in here for thing in names] if here else []


@cache
def wordings() -> PromptWordings:
    """The wordings that come with the package."""
    data = json.loads(STYLES_FILE.read_text(encoding="utf-8"))
    held_out = data["evaluation"]
    unseen = {
        "unseen_mosaic": held_out["mosaic"],
        "unseen_one_of_several": held_out["one_of_several"],
        "unseen_things": held_out["absent_things"],
        "unseen_synonyms": held_out["synonyms"],
        **{name: held_out[name] for name in ("neutral", "denials")},
    }
    return from_json(PromptWordings, {**data["training"], **unseen, "areas": data["areas"]})
