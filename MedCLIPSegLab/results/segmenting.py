"""From an image file and prompts to a folder of results, with a trained model or without training data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult
from MedCLIPSegLogic.clip_sam.methods import METHODS, MethodName
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.inference.plane_choice import plan_fusion
from MedCLIPSegLogic.inference.result import Progress, to_the_end
from MedCLIPSegLogic.runs.choices import RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import ChainRun, TrainedRun, prepare
from MedCLIPSegLogic.volumes.readers import read_volume

from .result_files import write_record, write_result_files
from .words import record_words


def segment(
    input: str | Path,
    prompts: str | Sequence[str],
    out: str | Path,
    model: str | Path | None = None,
    *,
    overwrite: bool = False,
    truth: NDArray[np.bool_] | None = None,
    progress: Callable[[Progress], None] | None = None,
    announce: Callable[[str], None] | None = None,
    models: Models | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Segment what the prompts name and write segmentation, maps, scene, preview and record to a folder.

    Args:
        input: NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF or BMP file, or a DICOM folder.
        prompts: one text, or one per segment.
        out: folder for the results.
        model: bundled or installed model's name, or model folder; None for the default one.
        overwrite: replace earlier results in ``out``.
        truth: (K, J, I) known mask; its Dice with every segment is recorded and its outline drawn.
        progress: called after every small step.
        announce: told in a sentence what fusing three planes will cost, before that begins.
        models: keeps the model for the next call.
        choices: such as ``samples``, ``threshold``, ``plane`` and ``slices``, see :class:`RunChoices`.

    Returns:
        The record that is written to ``run.json``.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    asked = RunChoices(model=model, **choices)
    return _segment_file(input, prompts, Path(out), asked, overwrite, truth, progress, models, announce=announce)


def zeroshot(
    input: str | Path,
    prompts: str | Sequence[str],
    out: str | Path,
    method: MethodName = "medclip-sam-v2",
    model: str | Path | None = None,
    *,
    overwrite: bool = False,
    words: bool = False,
    truth: NDArray[np.bool_] | None = None,
    progress: Callable[[Progress], None] | None = None,
    models: Models | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Segment what the prompts name without training data; writes what ``segment`` writes, and saliency maps.

    Args:
        input, prompts, out, overwrite, truth, progress, models: as for :func:`segment`.
        method: "medclip-sam" or "medclip-sam-v2"; choices that are None are as published with it.
        model: CLIP towers: bundled or installed model or backbone, or a model folder; None takes biomedclip if it is
            there, else mini.
        words: also record for which words of a prompt the image speaks, see :func:`record_words`.
        choices: such as ``sam``, ``study``, ``design`` and ``threshold``, see :class:`RunChoices`.

    Returns:
        The record that is written to ``run.json``.

    Raises:
        MedCLIPSegError: bad input, or no such model; ``out`` is then as it was before.
    """
    if method not in METHODS:
        raise MedCLIPSegError(f"There is no method '{quoted(method)}'; choose {' or '.join(METHODS)}.")
    asked = RunChoices(model=method, towers=model, **choices)
    return _segment_file(input, prompts, Path(out), asked, overwrite, truth, progress, models, words)


def _segment_file(
    input: str | Path,
    prompts: str | Sequence[str],
    out: Path,
    choices: RunChoices,
    overwrite: bool,
    truth: NDArray[np.bool_] | None,
    progress: Callable[[Progress], None] | None,
    models: Models | None,
    words: bool = False,
    announce: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    models = models or Models()
    with staged_folder(out, overwrite) as staging:
        prepared = prepare(read_volume(input), prompts, choices)
        if announce and isinstance(prepared, TrainedRun) and prepared.request.three_planes:
            asked = prepared.request
            announce(plan_fusion(asked.volume, asked.plane, asked.plane_weights).cost)
        result = to_the_end(models.events(prepared), progress)
        write_result_files(result, staging, truth)
        told = None
        if words and isinstance(prepared, ChainRun) and isinstance(result, ZeroShotResult):
            from MedCLIPSegLogic.inference.threads import threads_for

            with threads_for(choices.threads):
                saliency, _ = models.saliency(prepared.model, choices.device, choices.seed)
                told = record_words(saliency, result, choices.seed, progress)
        return write_record(result, str(input), staging, told, truth)
