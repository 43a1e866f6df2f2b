"""From an image file and prompts to a folder of results without training data: MedCLIP-SAM and MedCLIP-SAMv2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.request import Device
from ..inference.result import Progress
from ..reporting.staging import staged_folder
from ..volumes.planes import Plane, choose_axis, parse_slice_range
from ..volumes.readers import read_volume
from ..volumes.writers import write_map
from ..zeroshot.coarse import Binarization
from ..zeroshot.engine import run
from ..zeroshot.methods import METHODS, Method, MethodName
from ..zeroshot.object_prompts import PromptKind
from ..zeroshot.request import ZeroShotRequest
from ..zeroshot.sam import Segmenter, choose_sam, load_segmenter
from .result_files import finish, intensity_rule, result_slugs, write_record, write_result_files

NO_SAM = "none"


def zeroshot(
    input: str | Path,
    prompts: str | Sequence[str],
    out: str | Path,
    method: MethodName = "medclip-sam-v2",
    model: str | Path | None = None,
    sam: str | Path | Segmenter | None = None,
    object_prompts: PromptKind | None = None,
    binarization: Binarization | None = None,
    confidence: float | None = None,
    objects: int | None = None,
    padding: float | None = None,
    points: int | None = None,
    threshold: float = 0.5,
    plane: Plane = "auto",
    window: tuple[float, float] | None = None,
    preset: str | None = None,
    device: Device = "auto",
    seed: int = 0,
    slices: str | None = None,
    overwrite: bool = False,
    truth: NDArray[np.bool_] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Segment what the prompts name without training data; writes what ``segment`` writes, and saliency maps.

    Args:
        input: NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF or BMP file, or a DICOM folder.
        prompts: one text, or one a segment.
        out: folder for the results.
        method: "medclip-sam" or "medclip-sam-v2"; options that are None are as published with it.
        model: CLIP towers: bundled or installed model or backbone, or a model folder.
        sam: installed SAM or its folder; "none" takes the coarse mask; None the published one, else any that is there.
        object_prompts: how SAM is told of an object.
        binarization: how the saliency is cut.
        confidence: least mean saliency of an object, 0…1.
        objects: how many objects a slice has at most.
        padding: share of its size by which an object's box grows on each side.
        points: how many points an object gets.
        threshold: score above which a voxel is inside.
        plane: direction of the slices of a volume.
        window: (width, level) of the grey values; None for percentiles, or as stored in 8-bit images.
        preset: CT window by name, instead of ``window``.
        device: where to compute.
        seed: of saliency and points.
        slices: "A:B", end exclusive; None for all.
        overwrite: replace earlier results in ``out``.
        truth: (K, J, I) known mask; its Dice with every segment is recorded and its outline drawn.
        progress: called after every small step.

    Returns:
        The record that is written to ``run.json``.

    Raises:
        MedCLIPSegError: bad input, or no such model; ``out`` is then as it was before.
    """
    chosen = METHODS.get(method)
    if chosen is None:
        raise MedCLIPSegError(f"There is no method '{method}'; choose {' or '.join(METHODS)}.")
    with staged_folder(Path(out), overwrite) as staging:
        volume = read_volume(input)
        request = ZeroShotRequest(
            volume=volume,
            prompts=(prompts,) if isinstance(prompts, str) else tuple(prompts),
            binarization=binarization or chosen.binarization,
            components=_changed(chosen.components, confidence=confidence, most=objects),
            pointing=_changed(chosen.pointing, kind=object_prompts, padding=padding, points=points),
            keep_largest=chosen.keep_largest,
            threshold=threshold,
            plane=plane,
            slices=parse_slice_range(slices, choose_axis(volume, plane).count) if slices else None,
            intensity=intensity_rule(window, preset),
            seed=seed,
            device=device,
        )
        segmenter = _segmenter(sam, chosen)
        saliency, settings = load_saliency(chosen, model, device, seed)
        record = {"method": method, "citation": chosen.citation, **settings}
        result = finish(run(saliency, segmenter, request, record), progress)
        write_result_files(result, plane, staging, truth)
        for values, slug in zip(result.saliency, result_slugs(result), strict=True):
            write_map(volume, values, staging / f"{slug}.saliency.nrrd")
        extra = [{"slices": [finding.record() for finding in findings]} for findings in result.findings]
        return write_record(result, str(input), staging, extra, truth)


def _changed(rule: Any, **options: Any) -> Any:
    """A rule with the options that were given."""
    return dataclasses.replace(rule, **{name: value for name, value in options.items() if value is not None})


def _segmenter(sam: str | Path | Segmenter | None, method: Method) -> Segmenter | None:
    if sam == NO_SAM:
        return None
    if sam is None or isinstance(sam, str | Path):
        return load_segmenter(sam if sam is not None else choose_sam(method.sam))
    return sam
