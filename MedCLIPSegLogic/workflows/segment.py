"""From an image file and prompts to a folder of results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..evaluation.metrics import dice_score
from ..inference.adaptive import AdaptiveSampling
from ..inference.engine import run
from ..inference.request import Device, Precision, SegmentationRequest
from ..inference.result import Progress, PromptResult, SegmentationResult
from ..model.library import LoadedModel, load_model
from ..reporting.preview import draw_preview
from ..reporting.slugs import slugs
from ..reporting.staging import RECORD_FILE, staged_folder
from ..volumes import intensity
from ..volumes.planes import Plane, choose_axis, parse_slice_range
from ..volumes.readers import read_volume
from ..volumes.volume import Volume
from ..volumes.writers import write_map

SEGMENTATION_FILE = "segmentation.seg.nrrd"
SCENE_FILE = "scene.mrb"
PREVIEW_FILE = "preview.png"


def segment(
    input: str | Path,
    prompts: str | Sequence[str],
    out: str | Path,
    model: str | Path | LoadedModel | None = None,
    samples: int = 30,
    threshold: float = 0.5,
    plane: Plane = "auto",
    window: tuple[float, float] | None = None,
    preset: str | None = None,
    device: Device = "auto",
    seed: int = 0,
    slices: str | None = None,
    adaptive: AdaptiveSampling | None = None,
    precision: Precision = "float32",
    overwrite: bool = False,
    truth: NDArray[np.bool_] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Segment what the prompts name and write segmentation, maps, scene, preview and record to a folder.

    Args:
        input: NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF or BMP file, or a DICOM folder.
        prompts: one text, or one a segment.
        out: folder for the results.
        model: bundled or installed model's name, model folder, or a loaded model.
        samples: Monte-Carlo passes.
        threshold: probability above which a voxel is inside.
        plane: direction of the slices of a volume.
        window: (width, level) of the grey values; None for percentiles, or as stored in 8-bit images.
        preset: CT window by name, instead of ``window``.
        device: where to compute.
        seed: of the noise.
        slices: "A:B", end exclusive; None for all.
        adaptive: rule by which a slice gets fewer than ``samples`` passes when it has settled; None draws all.
        precision: "float32" for results to report; "fast", "int8", "bfloat16" or "float16" for speed.
        overwrite: replace earlier results in ``out``.
        truth: (K, J, I) known mask; its Dice with every segment is recorded and its outline drawn.
        progress: called after every small step.

    Returns:
        The record that is written to ``run.json``.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    with staged_folder(Path(out), overwrite) as staging:
        volume = read_volume(input)
        request = SegmentationRequest(
            volume=volume,
            prompts=(prompts,) if isinstance(prompts, str) else tuple(prompts),
            samples=samples,
            threshold=threshold,
            plane=plane,
            slices=parse_slice_range(slices, choose_axis(volume, plane).count) if slices else None,
            intensity=_rule(window, preset),
            seed=seed,
            device=device,
            adaptive=adaptive,
            precision=precision,
        )
        loaded = model if isinstance(model, LoadedModel) else load_model(model)
        result = _finish(loaded, request, progress)
        _write_files(result, request, truth, staging)
        files = sorted([p.name for p in staging.iterdir()] + [RECORD_FILE])
        record = _record(result, str(input), truth, files)
        (staging / RECORD_FILE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def _rule(window_level: tuple[float, float] | None, name: str | None) -> intensity.IntensityRule | None:
    if window_level is not None and name is not None:
        raise MedCLIPSegError("Give either --window or --preset, not both.")
    if window_level is not None:
        return intensity.window(*window_level)
    return intensity.preset(name) if name is not None else None


def _finish(
    model: LoadedModel, request: SegmentationRequest, progress: Callable[[Progress], None] | None
) -> SegmentationResult:
    for event in run(model, request):
        if isinstance(event, SegmentationResult):
            return event
        if progress and isinstance(event, Progress):
            progress(event)
    raise AssertionError("the engine ends with a result")


def _write_files(
    result: SegmentationResult, request: SegmentationRequest, truth: NDArray[np.bool_] | None, folder: Path
) -> None:
    from ..scene.export import save_scene, save_segmentation
    from ..scene.result_writer import write_result
    from ..scene.session import create_scene
    from ..scene.volumes import add_volume_node

    for prompt, slug in zip(result.prompts, slugs(request.prompts), strict=True):
        write_map(result.volume, prompt.probability, folder / f"{slug}.probability.nrrd")
        write_map(result.volume, prompt.uncertainty, folder / f"{slug}.uncertainty.nrrd")
    session = create_scene()
    node = add_volume_node(session.scene, result.volume)
    nodes = write_result(session.scene, node, result)
    save_segmentation(nodes.segmentation, folder / SEGMENTATION_FILE)
    save_scene(session.scene, folder / SCENE_FILE)
    draw_preview(result, choose_axis(result.volume, request.plane), folder / PREVIEW_FILE, truth)


def _record(
    result: SegmentationResult, source: str, truth: NDArray[np.bool_] | None, files: list[str]
) -> dict[str, Any]:
    return {
        "input": source,
        "input_hash": result.volume.content_hash,
        **result.settings,
        "results": [
            {**_measure(result.volume, prompt, truth), "slug": slug}
            for prompt, slug in zip(result.prompts, slugs([p.prompt for p in result.prompts]), strict=True)
        ],
        "seconds": round(result.seconds, 3),
        "files": files,
    }


def _measure(volume: Volume, prompt: PromptResult, truth: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Size and uncertainty of one segment: area of a single slice; volume of a stack whose voxel size is known."""
    count = int(prompt.mask.sum())
    measures: dict[str, Any] = {"prompt": prompt.prompt, "voxels": count, "spacing_known": volume.spacing_known}
    if volume.is_single_slice:
        measures["area_mm2"] = round(count * volume.pixel_area, 3)
    elif volume.spacing_known:
        measures["volume_ml"] = round(count * volume.voxel_volume / 1000, 6)
    measures["mean_uncertainty"] = prompt.mean_uncertainty
    measures["samples_drawn"] = list(prompt.samples_drawn)
    if truth is not None:
        measures["dice"] = dice_score(prompt.mask > 0, truth)
    return measures
