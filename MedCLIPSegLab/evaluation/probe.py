"""Ask whether the text chooses: absent things, one of two, and other words for the same thing."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from MedCLIPSegLogic.files.replacing import write_csv, write_json
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.model.catalog import find_model
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.version import __version__

from ..data.prompt_sheets import ORIGINAL, PromptSheet, find_sheets
from ..metrics import dice_score
from .evaluate import ask, segment_row
from .one_of_two import find_choices
from .settings import EvaluationSettings

if TYPE_CHECKING:
    from MedCLIPSegLogic.model.library import LoadedModel

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
    *,
    overwrite: bool = False,
    progress: Callable[[float, Answer], None] | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Measure how a model obeys its prompts.

    Args:
        model: bundled or installed model's name, or model folder.
        data: data set folders in MedCLIPSeg's layout.
        out: folder for ``probes.csv`` (one row per prompt) and ``probes.json``.
        overwrite: replace earlier results in ``out``.
        progress: called after every prompt with the share of the data sets that is done.
        choices: ``split``, ``samples``, ``limit`` and ``threads``, see :class:`EvaluationSettings`.

    Returns:
        What ``probes.json`` holds: by set the share of right answers of every probe (``absent``: empty masks), and
        the change of the mean Dice by synonyms and by another order of the words.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    settings = EvaluationSettings(**choices)
    with staged_folder(Path(out), overwrite, RESULT_FILE) as staging:
        sheets = find_sheets([Path(folder) for folder in data], [ORIGINAL], settings.split)
        for sheet in sheets:
            sheet.require_files(sheet.rows(settings.limit))
        read_config(find_model(model))
        from MedCLIPSegLogic.inference.threads import threads_for
        from MedCLIPSegLogic.model.library import load_model

        answers: list[Answer] = []
        with threads_for(settings.threads):
            loaded = load_model(model)
            for number, sheet in enumerate(sheets):
                for answer in _answers(loaded, sheet, settings.samples, settings.limit):
                    answers.append(answer)
                    if progress:
                        progress(number / len(sheets), answer)
        result = {
            "model": loaded.name,
            "model_hash": loaded.model_hash,
            "split": settings.split,
            "samples": settings.samples,
            "medclipseg": __version__,
            "sets": _summary(answers),
            "files": [TABLE_FILE, RESULT_FILE],
        }
        columns = [field.name for field in dataclasses.fields(Answer)]
        write_csv(staging / TABLE_FILE, columns, map(dataclasses.astuple, answers))
        write_json(staging / RESULT_FILE, result)
    return result


def _answers(model: LoadedModel, sheet: PromptSheet, samples: int, limit: int | None) -> Iterator[Answer]:
    yield from _of_style("absent", model, sheet, samples, limit)
    for choice in find_choices(sheet, limit):
        mask = ask(model, choice.volume, choice.prompt, samples).prompts[0].mask > 0
        right, dice = int(choice.is_right(mask)), dice_score(mask, choice.wanted)
        yield Answer(sheet.set, choice.kind, choice.image, choice.prompt, right, dice)
    for style in (ORIGINAL, "neutral", *REWORDED):
        yield from _of_style(style, model, sheet, samples, limit)


def _of_style(style: str, model: LoadedModel, sheet: PromptSheet, samples: int, limit: int | None) -> Iterator[Answer]:
    for row in dataclasses.replace(sheet, style=style).rows(limit):
        case = segment_row(model, sheet, row, samples)
        right = int(not case.mask.any()) if style == "absent" else None
        yield Answer(sheet.set, style, row.image, row.description, right, dice_score(case.mask, case.truth))


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
