"""Whether the text chooses: absent things, one of two, and other words for the same thing, of the network itself."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

from MedCLIPSegLogic.model.library import LoadedModel

from ...data.prompt_sheets import ORIGINAL, PromptSheet
from ...metrics import dice_score
from ..evaluate import ask, segment_row
from ..one_of_two import find_choices
from .answers import Answer

REWORDED = {
    "plural": "alone",
    "article": "alone",
    "upper_case": "alone",
    "unseen_synonyms": "alone",
    "synonyms": "neutral",
    "reordered": ORIGINAL,
}
"""Styles that must not change the result, and the one each is compared with, row by row."""
EMPTY = ("absent", "denied")
"""Styles whose mask is empty when it is right."""


def probe_text(model: LoadedModel, sheet: PromptSheet, samples: int, limit: int | None) -> Iterator[Answer]:
    """Ask about absent things, then for one of two, then in other words; the probes are "absent", "denied", a kind of
    :class:`Choice`, or a prompt style.

    Args:
        model: whose network is asked.
        sheet: of one set.
        samples: Monte-Carlo passes.
        limit: first rows only; None for all.
    """
    for style in EMPTY:
        yield from _of_style(style, model, sheet, samples, limit)
    for choice in find_choices(sheet, limit):
        mask = ask(model, choice.volume, choice.prompt, samples).prompts[0].mask > 0
        right, dice = int(choice.is_right(mask)), dice_score(mask, choice.wanted)
        yield Answer(sheet.set, choice.kind, choice.image, choice.prompt, right, dice)
    for style in (ORIGINAL, "alone", "neutral", *REWORDED):
        yield from _of_style(style, model, sheet, samples, limit)


def _of_style(style: str, model: LoadedModel, sheet: PromptSheet, samples: int, limit: int | None) -> Iterator[Answer]:
    for row in dataclasses.replace(sheet, style=style).rows(limit):
        case = segment_row(model, sheet, row, samples)
        right = int(not case.mask.any()) if style in EMPTY else None
        truth = " ".join([row.ground_truth, *map(str, row.label_values)])
        dice = dice_score(case.mask, case.truth)
        yield Answer(sheet.set, style, row.image, row.description, right, dice, truth=truth)


def summarize_text(answers: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """By set the share of right answers of every probe, or the mean Dice and how other words change it."""
    by_set: dict[str, dict[str, list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        by_set[answer.set][answer.probe].append(answer)
    summary: dict[str, dict[str, Any]] = {}
    for name, probes in by_set.items():
        summary[name] = {}
        for probe_name, given in probes.items():
            decided = [answer.right for answer in given if answer.right is not None]
            entry: dict[str, Any] = {"count": len(given)}
            entry |= {"right": fmean(decided)} if decided else {"dice": fmean(answer.dice or 0.0 for answer in given)}
            if probe_name in REWORDED:
                entry["change"] = _change(given, probes[REWORDED[probe_name]])
            summary[name][probe_name] = entry
    return summary


def _change(reworded: Sequence[Answer], before: Sequence[Answer]) -> float:
    """Mean Dice of reworded prompts minus that of the prompts they were made from."""
    known = {(answer.image, answer.truth): answer.dice for answer in before}
    pairs = [(answer.dice or 0.0, known.get((answer.image, answer.truth))) for answer in reworded]
    return fmean(after - earlier for after, earlier in pairs if earlier is not None)
