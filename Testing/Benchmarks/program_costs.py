"""What the program itself costs: volumes, start-up, scene. Run as a script, it prints the record as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from MedCLIPSegLab.results.demo import CASES, bundled_cases
from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLab.speed.machine import in_new_process
from MedCLIPSegLab.speed.measured import demo_cases
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult, to_the_end
from MedCLIPSegLogic.model.catalog import FIRST_MODEL
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.scene.result_writer import write_result_steps
from MedCLIPSegLogic.scene.threshold import LiveThreshold
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.intensity import as_stored, resolve
from MedCLIPSegLogic.volumes.volume import Volume

REPEATS = 5
SLICE_COUNTS = (16, 32, 64, 128)
SAMPLE_COUNTS = (10, 30, 100)
SIDE = 256
BYTES_PER_VOXEL = 3 * 4 + 1
"""Of the output: three float32 maps and a mask."""
SHAPE = (300, 512, 512)
THRESHOLDS = (0.3, 0.4, 0.45, 0.55, 0.6, 0.7)


def volume_cost() -> dict[str, Any]:
    """Segment volumes of 256 × 256 pixels a slice with the bundled model, each in a process of its own.

    Returns:
        ``slices`` (10 samples) and ``samples`` (16 slices), one row per run: its count, seconds per slice, peak memory,
        memory of image and output, and what is left of the peak, in MB. Ready for JSON.
    """
    plans = [("slices", count, count, SAMPLE_COUNTS[0]) for count in SLICE_COUNTS]
    plans += [("samples", count, SLICE_COUNTS[0], count) for count in SAMPLE_COUNTS]
    rows: dict[str, Any] = {"slices": [], "samples": []}
    for what, count, slices, samples in plans:
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


def start_up() -> dict[str, Any]:
    """Seconds (median of five) of ``medclipseg --help`` and of a first result of the bundled model, with its files.

    The files read are in the system's cache from the second start on.
    """
    case = bundled_cases()[0]
    with tempfile.TemporaryDirectory(prefix="medclipseg-bench-") as folder:
        out = str(Path(folder) / "result")
        image, model = str(CASES / case.image), FIRST_MODEL
        first = ["segment", image, "--prompt", case.prompt, "--model", model, "--out", out, "--overwrite"]
        return {
            "help_seconds": median(_seconds(["--help"]) for _ in range(REPEATS)),
            "first_result_seconds": median(_seconds(first) for _ in range(REPEATS)),
        }


def _seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "MedCLIPSegLab", *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def scene_speed() -> dict[str, Any]:
    """Write a result of 512 × 512 × 300 voxels, mask and three maps, into new scenes; move its threshold.

    Returns:
        Seconds of the whole writing (median of five) and of its longest step, milliseconds of the first move of a
        threshold, which takes hold of the segment, and of those that follow (medians). Ready for JSON.
    """
    result = ellipsoid_result()
    writing, longest, first, following = [], [], [], []
    for _ in range(REPEATS):
        session = create_scene()
        node = add_volume_node(session.scene, result.volume)
        steps = write_result_steps(session.scene, node, result)
        times = [time.perf_counter()]
        while True:
            try:
                next(steps)
            except StopIteration as end:
                nodes = end.value
                break
            finally:
                times.append(time.perf_counter())
        writing.append(times[-1] - times[0])
        longest.append(float(np.diff(times).max()))
        live = LiveThreshold(nodes.segmentation, nodes.segment_ids[0], nodes.probability_maps[0], node)
        moves = []
        for threshold in THRESHOLDS:
            started = time.perf_counter()
            live.apply(threshold)
            moves.append(1000 * (time.perf_counter() - started))
        first.append(moves[0])
        following += moves[1:]
    return {
        "voxels": list(SHAPE[::-1]),
        "writing_seconds": median(writing),
        "longest_step_seconds": median(longest),
        "first_threshold_ms": median(first),
        "threshold_ms": median(following),
    }


def ellipsoid_result() -> SegmentationResult:
    """A soft ellipsoid that fills a tenth of the volume."""
    k, j, i = np.ogrid[tuple(slice(side) for side in SHAPE)]
    squares = sum(((axis - side / 2) / (0.29 * side)) ** 2 for axis, side in zip((k, j, i), SHAPE, strict=True))
    probability = (1 / (1 + np.exp((np.sqrt(squares, dtype=np.float32) - 1) * 20))).astype(np.float32)
    entropy = (4 * probability * (1 - probability) * np.log(2)).astype(np.float32)
    volume = Volume((255 * probability).astype(np.uint8), np.diag([0.8, 0.8, 1.0, 1.0]), "ellipsoid")
    prompt = PromptResult(
        prompt="ellipsoid",
        name="ellipsoid",
        probability=probability,
        mask=(probability > 0.5).view(np.uint8),
        uncertainty=entropy,
        mutual_information=0.1 * entropy,
        threshold=0.5,
        mean_uncertainty=float(entropy[probability > 0.5].mean()),
    )
    return SegmentationResult(volume, (prompt,), 0, tuple(range(SHAPE[0])), resolve(as_stored(), volume), {}, 0.0)


if __name__ == "__main__":
    print(json.dumps({"volumes": volume_cost(), "start_up": start_up(), "scene": scene_speed()}, indent=2))
