"""How long a large result takes into the scene, and how fast a threshold follows the slider."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import numpy as np

from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult
from MedCLIPSegLogic.volumes.intensity import as_stored, resolve
from MedCLIPSegLogic.volumes.volume import Volume

SHAPE = (300, 512, 512)
REPEATS = 5
THRESHOLDS = (0.3, 0.4, 0.45, 0.55, 0.6, 0.7)


def scene_speed() -> dict[str, Any]:
    """Write a result of 512 × 512 × 300 voxels, mask and three maps, into new scenes; move its threshold.

    Returns:
        Seconds of the whole writing (median of five) and of its longest step, milliseconds of the first move of a
        threshold, which takes hold of the segment, and of those that follow (medians). Ready for JSON.
    """
    from MedCLIPSegLab.results.headless_scene import create_scene
    from MedCLIPSegLogic.scene.result_writer import write_result_steps
    from MedCLIPSegLogic.scene.threshold import LiveThreshold
    from MedCLIPSegLogic.scene.volumes import add_volume_node

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
