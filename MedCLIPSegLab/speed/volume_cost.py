"""How time and memory grow with the slices of a volume and with the samples of a slice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.model.catalog import FIRST_MODEL
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.volumes.volume import Volume

from .cases import demo_cases
from .memory import in_new_process

SLICE_COUNTS = (16, 32, 64, 128)
SAMPLE_COUNTS = (10, 30, 100)
SIDE = 256
BYTES_PER_VOXEL = 3 * 4 + 1
"""Of the output: three float32 maps and a mask."""


def volume_cost(progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Segment volumes of 256 × 256 pixels a slice with the bundled model, each in a process of its own.

    Args:
        progress: called with the share done and a few words.

    Returns:
        ``slices`` (10 samples) and ``samples`` (16 slices), one row a run: its count, seconds a slice, peak memory,
        memory of image and output, and what is left of the peak, in MB. Ready for JSON.
    """
    plans = [("slices", count, count, SAMPLE_COUNTS[0]) for count in SLICE_COUNTS]
    plans += [("samples", count, SLICE_COUNTS[0], count) for count in SAMPLE_COUNTS]
    rows: dict[str, Any] = {"slices": [], "samples": []}
    for number, (what, count, slices, samples) in enumerate(plans):
        progress(number / len(plans), f"volume of {slices} slices, {samples} samples")
        seconds, peak = in_new_process(segment_stack, slices, samples)
        output = slices * SIDE**2 * (BYTES_PER_VOXEL + 2)
        rows[what].append(
            {
                "count": count,
                "seconds_per_slice": seconds / slices,
                "peak_mb": peak / 2**20,
                "image_and_output_mb": output / 2**20,
                "rest_mb": (peak - output) / 2**20,
            }
        )
    return rows


def segment_stack(slices: int, samples: int) -> float:
    """Seconds that a stack of so many slices takes; every slice has content."""
    case = demo_cases()[0]
    picture = case.volume.voxels[0, :SIDE, :SIDE]
    grey = picture if picture.ndim == 2 else picture.mean(axis=2)
    stack = np.empty((slices, SIDE, SIDE), np.int16)
    stack[:] = np.resize(grey, (SIDE, SIDE))
    stack += np.arange(slices, dtype=np.int16)[:, None, None] % 7
    volume = Volume(stack, np.diag([1.0, 1.0, 2.0, 1.0]), "stack")
    model = load_model(FIRST_MODEL)
    request = SegmentationRequest(
        volume=volume, prompts=(case.prompt,), samples=samples, device="cpu", batch_size=SAMPLE_COUNTS[0]
    )
    started = time.perf_counter()
    to_the_end(run(model, request))
    return time.perf_counter() - started
