"""Ask whether the text chooses: absent things, one of two, and other words for the same thing."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import MAX_SAMPLES, SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import ORIGINAL, PromptSheet, Split, find_sheets
from ..data.truth import read_truth
from ..metrics import dice_score
from .choices import find_choices

TABLE_FILE = "probes.csv"
RESULT_FILE = "probes.json"
REWORDED = {"synonyms": "neutral", "reordered": ORIGINAL}
"""Styles that must not change the result, and the one each is compared with, row by row."""


@dataclass(frozen=True)
class Answer:
    """What came of one prompt.

    Args:
        set: data set.
        probe: "absent", a kind of :class:`Choice`, or a prompt style.
        image, prompt: what was asked.
        right: 1 or 0 for a probe with a right answer; None for a style.
        dice: with what the prompt means; for "absent" 1 or 0.
    """

    set: str
    probe: str
    image: str
    prompt: str
    right: int | None
    dice: float


def probe(
    model: str | Path,
    data: Sequence[str | Path],
    out: str | Path,
    split: Split = "Test",
    samples: int = 10,
    limit: int | None = None,
    overwrite: bool = False,
    progress: Callable[[float, Answer], None] | None = None,
) -> dict[str, Any]:
    """Measure how a model obeys its prompts.

    Args:
        model: bundled or installed model's name, or model folder.
        data: data set folders in MedCLIPSeg's layout.
        out: folder for ``probes.csv`` (one row a prompt) and ``probes.json``.
        split: "Test", or "Val" to choose settings by.
        samples: Monte-Carlo passes.
        limit: first rows of each sheet only; None for all.
        overwrite: replace earlier results in ``out``.
        progress: called after every prompt with the share of the data sets that is done.

    Returns:
        What ``probes.json`` holds: by set the share of right answers of every probe (``absent``: empty masks), and
        the change of the mean Dice by synonyms and by another order of the words.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    if not 1 <= samples <= MAX_SAMPLES:
        raise MedCLIPSegError(f"The number of samples is {samples}; it must be between 1 and {MAX_SAMPLES}.")
    with staged_folder(Path(out), overwrite, RESULT_FILE) as staging:
        loaded = load_model(model)
        answers: list[Answer] = []
        sheets = find_sheets([Path(folder) for folder in data], [ORIGINAL], split)
        for number, sheet in enumerate(sheets):
            for answer in _answers(loaded, sheet, samples, limit):
                answers.append(answer)
                if progress:
                    progress(number / len(sheets), answer)
        result = {
            "model": loaded.name,
            "model_hash": loaded.model_hash,
            "split": split,
            "samples": samples,
            "medclipseg": __version__,
            "sets": _summary(answers),
        }
        with (staging / TABLE_FILE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Answer)])
            writer.writeheader()
            writer.writerows(dataclasses.asdict(answer) for answer in answers)
        (staging / RESULT_FILE).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def _answers(model: LoadedModel, sheet: PromptSheet, samples: int, limit: int | None) -> Iterator[Answer]:
    for row, mask in _segmented(model, sheet, "absent", samples, limit):
        empty = not mask.any()
        yield Answer(sheet.set, "absent", row.image, row.description, int(empty), float(empty))
    for choice in find_choices(sheet, limit):
        mask = _mask(model, choice.volume, choice.prompt, samples)
        right, dice = int(choice.is_right(mask)), dice_score(mask, choice.wanted)
        yield Answer(sheet.set, choice.kind, choice.image, choice.prompt, right, dice)
    for style in (ORIGINAL, "neutral", *REWORDED):
        for row, mask in _segmented(model, sheet, style, samples, limit):
            volume = read_volume(sheet.images / row.image)
            truth = read_truth(sheet.labels / row.ground_truth, row.label_values, volume)
            yield Answer(sheet.set, style, row.image, row.description, None, dice_score(mask, truth))


def _segmented(
    model: LoadedModel, sheet: PromptSheet, style: str, samples: int, limit: int | None
) -> Iterator[tuple[SheetRow, NDArray[np.bool_]]]:
    for row in dataclasses.replace(sheet, style=style).rows(limit):
        yield row, _mask(model, read_volume(sheet.images / row.image), row.description, samples)


def _mask(model: LoadedModel, volume: Volume, prompt: str, samples: int) -> NDArray[np.bool_]:
    result = to_the_end(run(model, SegmentationRequest(volume=volume, prompts=(prompt,), samples=samples)))
    return result.prompts[0].mask > 0


def _summary(answers: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    by_set: dict[str, dict[str, list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        by_set[answer.set][answer.probe].append(answer)
    summary: dict[str, dict[str, Any]] = {}
    for name, probes in by_set.items():
        summary[name] = {}
        for probe_name, given in probes.items():
            decided = [answer.right for answer in given if answer.right is not None]
            entry: dict[str, Any] = {"count": len(given)}
            entry |= {"right": fmean(decided)} if decided else {"dice": fmean(answer.dice for answer in given)}
            if probe_name in REWORDED:
                entry["change"] = _change(given, probes[REWORDED[probe_name]])
            summary[name][probe_name] = entry
    return summary


def _change(reworded: Sequence[Answer], before: Sequence[Answer]) -> float:
    """Mean Dice of reworded prompts minus that of the prompts they were made from."""
    known = {(answer.image, position): answer.dice for answer, position in _positions(before)}
    pairs = [(answer.dice, known.get((answer.image, position))) for answer, position in _positions(reworded)]
    return fmean(after - earlier for after, earlier in pairs if earlier is not None)


def _positions(answers: Sequence[Answer]) -> Iterator[tuple[Answer, int]]:
    """Every answer and how many of its image came before it."""
    counts: dict[str, int] = defaultdict(int)
    for answer in answers:
        yield answer, counts[answer.image]
        counts[answer.image] += 1
