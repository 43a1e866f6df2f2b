"""From images and prompts to results, with a trained model or without training data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult
from MedCLIPSegLogic.clip_sam.methods import METHODS, MethodName
from MedCLIPSegLogic.errors import MedCLIPSegError, MissingModelError, quoted
from MedCLIPSegLogic.files.staging import check_free, staged_folder
from MedCLIPSegLogic.inference.plane_choice import plan_fusion
from MedCLIPSegLogic.inference.result import Progress, SegmentationResult, to_the_end
from MedCLIPSegLogic.runs.choices import RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import ChainRun, PreparedRun, TrainedRun, prepare

from .inputs import images_by_name, source_of, volume_of
from .segmentation import Segmentation, Segmentations
from .words import record_words

if TYPE_CHECKING:
    import nibabel
    import SimpleITK

    Image = str | Path | NDArray[np.generic] | SimpleITK.Image | nibabel.spatialimages.SpatialImage | Any
    Images = Image | Sequence[Image] | Iterator[Image]

TOO_LITTLE_MEMORY = "There is too little memory for this image; close other programs or use a smaller one."


@dataclass(frozen=True, eq=False)
class _Order:
    """What is asked of every image."""

    prompts: str | Sequence[str]
    choices: RunChoices
    spacing: Sequence[float] | None
    overwrite: bool
    truth: NDArray[np.bool_] | None
    progress: Callable[[Progress], None] | None
    models: Models
    announce: Callable[[str], None] | None = None
    words: bool = False


def segment(
    input: Images,
    prompts: str | Sequence[str],
    out: str | Path | None = None,
    model: str | Path | None = None,
    *,
    spacing: Sequence[float] | None = None,
    overwrite: bool = False,
    truth: NDArray[np.bool_] | None = None,
    progress: Callable[[Progress], None] | None = None,
    announce: Callable[[str], None] | None = None,
    models: Models | None = None,
    **choices: Any,
) -> Segmentation | Segmentations:
    """Segment what the prompts name in one image or several; without ``out`` nothing is written.

    Args:
        input: NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF, BMP or DICOM file, or a folder with one DICOM series; or a numpy
            array, (rows, columns) or (slices, rows, columns) with colors last, a SimpleITK image, a nibabel image, or a
            volume node of MRML. Several images are a list of these, or a folder with image files.
        prompts: one text, or one per segment.
        out: folder for segmentation, maps, scene, preview and record; of several images one folder each in it.
        model: bundled or installed model's name, or model folder; None for the default one.
        spacing: of an array, mm along each of its axes in space, in their order; None where nobody measured it. The
            columns are taken to run to the left, rows to the back and slices up.
        overwrite: replace earlier results in ``out``.
        truth: (K, J, I) known mask of one image; its Dice with every segment is recorded and its outline drawn.
        progress: called after every small step.
        announce: told in a sentence what fusing three planes will cost, before that begins.
        models: keeps the model for the next call.
        choices: such as ``samples``, ``threshold``, ``plane`` and ``slices``, see :class:`RunChoices`.

    Returns:
        The segments by their prompts; its ``record`` is what ``run.json`` holds. Of several images these by their
        names, and under ``failed`` what is wrong with those that could not be segmented. Masks and maps of several
        images are kept in memory only if they are not written.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before. Of several images only if none could be segmented,
            or a model is missing.
    """
    asked = RunChoices(model=model, **choices)
    order = _Order(prompts, asked, spacing, overwrite, truth, progress, models or Models(), announce)
    return _segment(input, out, order)


def zeroshot(
    input: Images,
    prompts: str | Sequence[str],
    out: str | Path | None = None,
    method: MethodName = "medclip-sam-v2",
    model: str | Path | None = None,
    *,
    spacing: Sequence[float] | None = None,
    overwrite: bool = False,
    words: bool = False,
    truth: NDArray[np.bool_] | None = None,
    progress: Callable[[Progress], None] | None = None,
    models: Models | None = None,
    **choices: Any,
) -> Segmentation | Segmentations:
    """Segment what the prompts name without training data; ``out`` gets what ``segment`` writes, and saliency maps.

    Args:
        input, prompts, out, spacing, overwrite, truth, progress, models: as for :func:`segment`.
        method: "medclip-sam" or "medclip-sam-v2"; choices that are None are as published with it.
        model: CLIP towers: bundled or installed model or backbone, or a model folder; None takes biomedclip if it is
            there, else mini.
        words: also record for which words of a prompt the image speaks, see :func:`record_words`.
        choices: such as ``sam``, ``study``, ``design`` and ``threshold``, see :class:`RunChoices`.

    Returns:
        What :func:`segment` returns.

    Raises:
        MedCLIPSegError: bad input, or no such model; ``out`` is then as it was before.
    """
    if method not in METHODS:
        raise MedCLIPSegError(f"There is no method '{quoted(method)}'; choose {' or '.join(METHODS)}.")
    asked = RunChoices(model=method, towers=model, **choices)
    order = _Order(prompts, asked, spacing, overwrite, truth, progress, models or Models(), words=words)
    return _segment(input, out, order)


def _segment(given: Images, out: str | Path | None, order: _Order) -> Segmentation | Segmentations:
    folder = None if out is None else Path(out)
    images = images_by_name(given)
    if images is None:
        return _segment_one(given, folder, order)
    if order.truth is not None:
        raise MedCLIPSegError("A known mask is of one image; give one image with it.")
    return _segment_each(images, folder, order)


def _segment_each(images: dict[str, Any], out: Path | None, order: _Order) -> Segmentations:
    """One image after the other; those that are not fit do not stop the others."""
    folders = {name: None if out is None else out / name for name in images}
    for folder in folders.values():
        if folder is not None:
            check_free(folder, order.overwrite)
    done: dict[str, Segmentation] = {}
    failed: dict[str, MedCLIPSegError] = {}
    started = time.monotonic()
    for number, (name, image) in enumerate(images.items()):
        progress = _of_all(order.progress, number, len(images), started)
        try:
            done[name] = _segment_one(image, folders[name], replace(order, progress=progress))
        except MissingModelError:
            raise
        except MedCLIPSegError as error:
            failed[name] = error
        except MemoryError:
            failed[name] = MedCLIPSegError(TOO_LITTLE_MEMORY)
        except OSError as error:
            failed[name] = MedCLIPSegError(f"{quoted(image)} cannot be read: {error.strerror or quoted(error)}.")
        if out is not None and name in done:
            done[name].let_go()
    if not done:
        raise next(iter(failed.values()))
    return Segmentations(done, {name: str(error) for name, error in failed.items()})


def _of_all(
    progress: Callable[[Progress], None] | None, number: int, count: int, started: float
) -> Callable[[Progress], None] | None:
    """Progress of one of several images as that of all."""
    if progress is None:
        return None

    def tell(step: Progress) -> None:
        share = (number + step.fraction) / count
        left = (time.monotonic() - started) * (1 - share) / share if share else step.seconds_left * count
        progress(replace(step, fraction=share, seconds_left=left))

    return tell


def _segment_one(image: Any, out: Path | None, order: _Order) -> Segmentation:
    with nullcontext() if out is None else staged_folder(out, order.overwrite) as staging:
        volume = volume_of(image, order.spacing)
        prepared = prepare(volume, order.prompts, order.choices)
        if order.announce and isinstance(prepared, TrainedRun) and prepared.request.three_planes:
            asked = prepared.request
            order.announce(plan_fusion(asked.volume, asked.plane, asked.plane_weights).cost)
        result = to_the_end(order.models.events(prepared), order.progress)
        told = _words(prepared, result, order) if order.words else None
        made = Segmentation(result, source_of(image, volume), told, order.truth)
        if staging is not None:
            made.write_files(staging)
        return made


def _words(prepared: PreparedRun, result: SegmentationResult, order: _Order) -> list[dict[str, Any]] | None:
    if not (isinstance(prepared, ChainRun) and isinstance(result, ZeroShotResult)):
        return None
    from MedCLIPSegLogic.inference.threads import threads_for

    choices = order.choices
    with threads_for(choices.threads):
        saliency, _ = order.models.saliency(prepared.model, choices.device, choices.seed)
        return record_words(saliency, result, choices.seed, order.progress)
