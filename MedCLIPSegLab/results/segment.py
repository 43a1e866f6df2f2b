"""From an image file and prompts to a folder of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.inference.adaptive import AdaptiveSampling
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import Device, Precision, SegmentationRequest
from MedCLIPSegLogic.inference.result import Progress, SegmentationResult
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.volumes.planes import Plane, choose_axis, parse_slice_range
from MedCLIPSegLogic.volumes.readers import read_volume

from .result_files import finish, intensity_rule, write_record, write_result_files


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
            intensity=intensity_rule(window, preset),
            seed=seed,
            device=device,
            adaptive=adaptive,
            precision=precision,
        )
        loaded = model if isinstance(model, LoadedModel) else load_model(model)
        result: SegmentationResult = finish(run(loaded, request), progress)
        write_result_files(result, plane, staging, truth)
        extra = [{"samples_drawn": list(prompt.samples_drawn)} for prompt in result.prompts]
        return write_record(result, str(input), staging, extra, truth)
