"""Evaluate a model on prompt sheets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.files.staging import check_free
from MedCLIPSegLogic.inference.plane_choice import choose_plane
from MedCLIPSegLogic.inference.request import Device, SegmentationRequest
from MedCLIPSegLogic.inference.result import SegmentationResult, to_the_end
from MedCLIPSegLogic.model.catalog import find_model
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import PromptSheet, find_sheets
from ..metrics import dice_score
from .settings import METRICS_FILE, EvaluationSettings

if TYPE_CHECKING:
    from MedCLIPSegLogic.model.library import LoadedModel

    from .evaluation_folder import Progress
    from .scoring import Case

COMPARED_SAMPLES = 4


def evaluate(
    model: str | Path,
    images: str | Path,
    labels: str | Path,
    prompts: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Segment every row of a prompt sheet and compare with the known masks.

    Args:
        model: bundled or installed model's name, or model folder.
        images, labels: folders of the images and of the masks.
        prompts: .xlsx or .csv sheet (``Image``, ``Description``, ``Ground Truth``, optionally ``Label Values``).
        out: folder for ``metrics.csv`` (one row per prompt), ``metrics.json`` and ``report.html``.
        overwrite: replace an earlier evaluation in ``out``.
        progress: called after every row with its number from 1, the number of rows and its score.
        choices: ``samples``, ``seed``, ``device``, ``tolerance``, ``limit`` and ``threads``, see
            :class:`EvaluationSettings`.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    sheet = PromptSheet(Path(prompts).stem, "", Path(prompts), Path(images), Path(labels))
    return _evaluate(model, [sheet], Path(out), EvaluationSettings(**choices), overwrite, progress)


def evaluate_sets(
    model: str | Path,
    data: Sequence[str | Path],
    out: str | Path,
    styles: Sequence[str] = (),
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Evaluate on a split of data sets in MedCLIPSeg's layout, every prompt style by itself.

    Args:
        model, out, overwrite, progress: as for :func:`evaluate`.
        data: data set folders with ``Test_Folder/{img,label}`` and ``Prompts_Folder/Test_text_<style>.xlsx`` or .csv.
        styles: prompt styles, those of ``MADE_STYLES`` among them; none for the published ones that are there.
        choices: ``split`` and those of :func:`evaluate`, see :class:`EvaluationSettings`.

    Returns:
        What ``metrics.json`` holds: all rows together, and each set and style under ``groups``.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    settings = EvaluationSettings(**choices)
    sheets = find_sheets([Path(folder) for folder in data], styles, settings.split)
    return _evaluate(model, sheets, Path(out), settings, overwrite, progress)


def _evaluate(
    model: str | Path,
    sheets: Sequence[PromptSheet],
    out: Path,
    settings: EvaluationSettings,
    overwrite: bool,
    progress: Progress | None,
) -> dict[str, Any]:
    check_free(out, overwrite, METRICS_FILE)
    asked = [(sheet, sheet.rows(settings.limit)) for sheet in sheets]
    for sheet, rows in asked:
        sheet.require_files(rows)
    read_config(find_model(model))
    from MedCLIPSegLogic.inference.device import choose_device
    from MedCLIPSegLogic.inference.threads import threads_for
    from MedCLIPSegLogic.model.library import load_model

    from .evaluation_folder import write_evaluation

    device = str(choose_device(settings.device))
    with threads_for(settings.threads):
        loaded = load_model(model)
        about = {
            "model": loaded.name,
            "model_hash": loaded.model_hash,
            "samples": settings.samples,
            "threshold": SegmentationRequest.threshold,
            "seed": settings.seed,
            "device": device,
            "plane": SegmentationRequest.plane,
            "images": sorted({sheet.images.parent.name for sheet in sheets}),
        }
        return write_evaluation(
            out,
            overwrite,
            settings,
            about,
            asked,
            lambda sheet, row: segment_row(
                loaded, sheet, row, settings.samples, seed=settings.seed, device=settings.device
            ),
            progress,
            lambda case, prompt: mean_pairwise_dice(
                loaded, case.volume, prompt, seed=settings.seed, device=settings.device
            ),
        )


def segment_row(
    model: LoadedModel, sheet: PromptSheet, row: SheetRow, samples: int, seed: int = 0, device: Device = "auto"
) -> Case:
    """Segment the image of a row and read its truth.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or a mask does not fit its image.
    """
    from .scoring import Case

    volume = sheet.image(row)
    truth = sheet.truth(row, volume)
    result = ask(model, volume, row.description, samples, seed, device)
    [found] = result.prompts
    return Case(
        volume,
        truth,
        found.mask > 0,
        found.probability,
        found.uncertainty,
        found.mean_uncertainty,
        found.mutual_information,
        result.seconds,
    )


def mean_pairwise_dice(
    model: LoadedModel, volume: Volume, prompt: str, seed: int = 0, device: Device = "auto"
) -> float:
    """Mean Dice between the masks of four single samples, 0…1: 1 when the samples say the same.

    Their seeds are their own, the next ones after that of the run.
    """
    seeds = [(seed + number) % 2**64 for number in range(1, COMPARED_SAMPLES + 1)]
    results = [ask(model, volume, prompt, 1, each, device) for each in seeds]
    masks = [result.prompts[0].mask > 0 for result in results]
    return fmean(dice_score(first, second) for first, second in combinations(masks, 2))


def ask(
    model: LoadedModel, volume: Volume, prompt: str, samples: int, seed: int = 0, device: Device = "auto"
) -> SegmentationResult:
    """Segment an image with one prompt, in the plane that a run takes by itself."""
    from MedCLIPSegLogic.inference.engine import run

    plane, _ = choose_plane(volume, (prompt,), SegmentationRequest.plane, model.knowledge)
    request = SegmentationRequest(volume, (prompt,), plane=plane, samples=samples, seed=seed, device=device)
    return to_the_end(run(model, request))
