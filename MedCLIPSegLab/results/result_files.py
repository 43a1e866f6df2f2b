"""The files of a result: what every way of segmenting leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult
from MedCLIPSegLogic.files.slugs import slugs
from MedCLIPSegLogic.inference.islands import ALL, removed_record
from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult
from MedCLIPSegLogic.volumes.image_writing import write_image
from MedCLIPSegLogic.volumes.volume import Volume

from ..metrics import dice_score
from .preview import preview_figure

SEGMENTATION_FILE = "segmentation.seg.nrrd"
SCENE_FILE = "scene.mrb"
PREVIEW_FILE = "preview.png"


def write_result_files(result: SegmentationResult, folder: Path, truth: NDArray[np.bool_] | None = None) -> None:
    """Write segmentation, the maps that were kept (without training data the saliency too), scene and preview.

    Args:
        result: of a run.
        folder: to write to.
        truth: (K, J, I) known mask, drawn as a second outline.
    """
    from MedCLIPSegLab.results.headless_scene import create_scene
    from MedCLIPSegLogic.scene.export import save_scene, save_segmentation
    from MedCLIPSegLogic.scene.result_writer import write_result
    from MedCLIPSegLogic.scene.volumes import add_volume_node

    for number, (prompt, slug) in enumerate(zip(result.prompts, result_slugs(result), strict=True)):
        maps = {
            "probability": prompt.probability,
            "uncertainty": prompt.uncertainty,
            "disagreement": prompt.disagreement,
        }
        if isinstance(result, ZeroShotResult) and result.saliency:
            maps["saliency"] = result.saliency[number]
        for name, values in maps.items():
            if values is not None:
                write_image(values, result.volume.ijk_to_ras, folder / f"{slug}.{name}.nrrd")
    session = create_scene()
    node = add_volume_node(session.scene, result.volume)
    nodes = write_result(session.scene, node, result)
    save_segmentation(nodes.segmentation, folder / SEGMENTATION_FILE)
    save_scene(session.scene, folder / SCENE_FILE)
    preview_figure(result, truth).write(folder / PREVIEW_FILE)


def result_slugs(result: SegmentationResult) -> list[str]:
    """Beginnings of the file names of each prompt's maps."""
    return slugs([prompt.prompt for prompt in result.prompts])


def run_record(
    result: SegmentationResult,
    source: str,
    words: Sequence[dict[str, Any]] | None = None,
    truth: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """What ``run.json`` says of a run, but for the files of its folder.

    Args:
        result: of a run.
        source: the input.
        words: of each prompt, see :func:`record_words`.
        truth: (K, J, I) known mask; its Dice with every segment is recorded.
    """
    details: list[dict[str, Any]] = [{"samples_drawn": list(prompt.samples_drawn)} for prompt in result.prompts]
    if len(result.settings.get("three_planes", {}).get("weights", ())) > 1:
        agreements = [prompt.plane_agreement for prompt in result.prompts]
        details = [{**detail, "plane_agreement": each} for detail, each in zip(details, agreements, strict=True)]
    if isinstance(result, ZeroShotResult):
        details = [{"slices": [finding.record() for finding in findings]} for findings in result.findings]
    if words is not None:
        details = [{**detail, "words": told} for detail, told in zip(details, words, strict=True)]
    return {
        "input": source,
        "input_hash": result.volume.content_hash,
        "notes": [*result.volume.notes, *result.notes],
        **result.settings,
        "results": [
            {**_measure(result.volume, prompt, truth), "slug": slug, **_verdict(prompt), **more}
            for prompt, slug, more in zip(result.prompts, result_slugs(result), details, strict=True)
        ],
        "seconds": round(result.seconds, 3),
    }


def _verdict(prompt: PromptResult) -> dict[str, Any]:
    return prompt.verdict.record() if prompt.verdict is not None else {}


def _measure(volume: Volume, prompt: PromptResult, truth: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Size and uncertainty of one segment: voxels, and where their size is known the area of a slice or the volume.

    Where samples are of the whole volume, their volumes too.
    """
    count = int(prompt.mask.sum())
    measures: dict[str, Any] = {"prompt": prompt.prompt, "voxels": count, "spacing_known": volume.spacing_known}
    if volume.spacing_known and volume.is_single_slice:
        measures["area_mm2"] = round(count * volume.pixel_area, 3)
    elif volume.spacing_known:
        measures["volume_ml"] = round(count * volume.voxel_volume / 1000, 6)
    measures["mean_uncertainty"] = prompt.mean_uncertainty
    if prompt.uncertainty_level is not None:
        measures["uncertainty_level"] = prompt.uncertainty_level
    if prompt.sample_volume is not None:
        mean, deviation = prompt.sample_volume
        measures["sample_volume_ml"] = {"mean": round(mean, 6), "sd": round(deviation, 6)}
        measures["sample_volumes_ml"] = [round(volume, 6) for volume in prompt.sample_volumes]
    if prompt.islands != ALL:
        measures["removed_islands"] = removed_record(prompt.removed_islands)
    if truth is not None:
        measures["dice"] = dice_score(prompt.mask > 0, truth)
    return measures
