"""Whether verdicts on prompts are right: unknown words, other forms of known ones, and things that are not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from MedCLIPSegLogic.inference.result import PromptResult
from MedCLIPSegLogic.knowledge.terms import terms
from MedCLIPSegLogic.model.library import LoadedModel

from ...data import prompt_words
from ...data.prompt_sheets import PromptSheet
from ...data.rewording import bare_thing, unknown_word
from ...data.wordings import wordings
from ...knowing.names import other_number, synonyms, trained_synonyms
from .answers import Answer, auroc, right_share
from .judged import Judged, Mask, ask_judged, verdict_of

SAME_MASK, CORRECT = 0.95, 0.5
"""Dice from which two masks are the same, and from which a mask is correct."""


def probe_verdicts(
    model: LoadedModel, sheet: PromptSheet, sheets: Sequence[PromptSheet], samples: int, limit: int | None
) -> Iterator[Answer]:
    """Ask each image of a sheet for its thing in several words, and for things of the other sheets.

    The probes are "doubtful" (the prompt of the sheet), "unknown", "variants" and "absent". Images that are called
    foreign are left out: nothing was asked of them.

    Args:
        model: with or without knowledge.
        sheet: original prompts of one set.
        sheets: of all sets.
        samples: Monte-Carlo passes.
        limit: first rows only; None for all.
    """
    elsewhere = things_elsewhere(sheet, sheets, limit)
    rows = sheet.rows(limit)
    things = [bare_thing(row.description) for row in rows if not prompt_words.names_absence(row.description)]
    for number, row in enumerate(rows):
        rng = np.random.default_rng(number)
        volume = sheet.image(row)
        truth = sheet.truth(row, volume)
        denies = prompt_words.names_absence(row.description)
        thing = things[number % len(things)] if denies and things else bare_thing(row.description)
        questions = {row.description: "doubtful", thing: "own"} | (
            dict.fromkeys(_unknown(thing, rng), "unknown") | dict.fromkeys(_variants(thing, number, rng), "variants")
            if truth.any()
            else {thing: "absent"}
        )
        questions |= {elsewhere[number % len(elsewhere)]: "absent"} if elsewhere else {}
        judged = ask_judged(model, volume, tuple(questions), samples, truth)
        results = dict(zip(questions, judged.results, strict=True))
        for (text, probe), result in zip(questions.items(), judged.results, strict=True):
            if probe == "own" or verdict_of(result) == "foreign-image" or (probe == "doubtful" and denies):
                continue
            right = _is_right(probe, judged, result, results[thing], truth)
            if right is not None:
                dice = judged.dice(result, np.zeros_like(truth) if probe == "absent" else truth)
                expected = result.verdict.expected_dice if result.verdict is not None else None
                asked = (sheet.set, probe, row.image, text)
                yield Answer(*asked, int(right), dice, verdict_of(result), judged.foreign, expected)


def things_elsewhere(sheet: PromptSheet, sheets: Sequence[PromptSheet], limit: int | None) -> list[str]:
    """Things of other sheets that images of this one cannot show; none where nothing is known of the images.

    A "tumor" may be anything, and so may be there.
    """
    areas = {s.set: wordings().areas_of(prompt_words.anatomy(_texts(s, limit))) for s in sheets}
    others = [s for s in sheets if areas[s.set] and areas[sheet.set] and not areas[s.set] & areas[sheet.set]]
    own = {bare_thing(text) for text in _texts(sheet, limit)}
    found = dict.fromkeys(bare_thing(text) for other in others for text in _texts(other, limit))
    return [thing for thing in found if thing not in own and thing not in terms().broad]


def summarize_verdicts(answers: Sequence[Answer]) -> dict[str, Any]:
    """Share of right answers of each probe, and of unknown words the share that was called absent."""
    given = {name: [a for a in answers if a.probe == name] for name in ("unknown", "variants", "absent", "doubtful")}
    doubtful = given.pop("doubtful")
    summary = {name: right_share(some) for name, some in given.items() if some}
    if "unknown" in summary:
        absent = [answer.verdict == "absent" for answer in given["unknown"]]
        summary["unknown"]["called_absent"] = fmean(absent)
    return summary | ({"doubtful": _doubtful(doubtful)} if doubtful else {})


def _doubtful(answers: Sequence[Answer]) -> dict[str, Any]:
    """How many answers were bad and good, and which share of either was called doubtful.

    Prompts of the sheets that were not understood have no answer; ``held_back`` counts them. What cannot be told is
    None.
    """
    given = [answer for answer in answers if answer.verdict != "not-understood"]
    parts = {name: [a for a in given if ((a.dice or 0.0) < CORRECT) == (name == "bad")] for name in ("bad", "good")}
    shares = {
        f"{name}_flagged": fmean(a.verdict == "doubtful" for a in part) if part else None
        for name, part in parts.items()
    }
    expected = {name: [-a.expected_dice for a in part if a.expected_dice is not None] for name, part in parts.items()}
    errors = [abs(a.expected_dice - (a.dice or 0.0)) for a in given if a.expected_dice is not None]
    return {
        **{name: len(part) for name, part in parts.items()},
        **shares,
        "auroc": auroc(expected["bad"], expected["good"]),
        "expected_dice_error": fmean(errors) if errors else None,
        "held_back": len(answers) - len(given),
    }


def _is_right(probe: str, judged: Judged, result: PromptResult, own: PromptResult, truth: Mask) -> bool | None:
    """Whether an answer is right; None where that cannot be told."""
    verdict = verdict_of(result)
    if probe == "absent":
        return verdict == "absent"
    if probe == "doubtful":
        return (verdict == "doubtful") == (judged.dice(result, truth) < CORRECT)
    is_same = bool(own.mask.any()) and judged.dice(result, own.mask > 0) >= SAME_MASK
    if probe == "unknown":
        return verdict == "not-understood" or is_same or judged.dice(result, truth) >= CORRECT
    suggests = result.verdict is not None and bool(result.verdict.suggestions)
    return is_same or suggests if own.mask.any() else None


def _unknown(thing: str, rng: np.random.Generator) -> list[str]:
    """A word without meaning, and a name of the thing that it was never trained with."""
    rare = sorted(synonyms(thing) - trained_synonyms(thing))
    return [unknown_word(rng), *([rare[int(rng.integers(len(rare)))]] if rare else [])]


def _variants(thing: str, number: int, rng: np.random.Generator) -> list[str]:
    """The thing in the other number, in capitals and with one typing error."""
    place = int(rng.integers(1, max(2, len(thing) - 1)))
    swapped = thing[:place] + thing[place : place + 2][::-1] + thing[place + 2 :]
    typed = (thing[:place] + thing[place + 1 :], thing[:place] + thing[place] + thing[place:], swapped)
    return [text for text in (other_number(thing), thing.upper(), typed[number % 3]) if text != thing]


def _texts(sheet: PromptSheet, limit: int | None) -> list[str]:
    return [row.description for row in sheet.rows(limit) if not prompt_words.names_absence(row.description)]
