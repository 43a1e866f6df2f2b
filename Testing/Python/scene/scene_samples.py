"""Made-up geometry, probabilities and prompts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.segmentation import find_segmentation
from MedCLIPSegLogic.volumes.intensity import IntensityMapping, default_rule, resolve
from MedCLIPSegLogic.volumes.volume import Volume

MakeResult = Callable[..., SegmentationResult]
"""Type of the ``make_result`` fixture."""

SHAPE = (4, 10, 12)
"""Voxels of the volume along K, J and I."""


def oblique_matrix() -> NDArray[np.float64]:
    """Return a rotated matrix with three spacings and an odd origin."""
    rotation, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * (0.71, 0.83, 2.5)
    matrix[:3, 3] = (10.123456789, -33.3, 7.7)
    return matrix


def box(shape: tuple[int, int, int], k: slice, j: slice, i: slice) -> NDArray[np.float32]:
    """Return a probability of 0.9 in a box, of 0.1 elsewhere."""
    probability = np.full(shape, 0.1, np.float32)
    probability[k, j, i] = 0.9
    return probability


def prompt_result(prompt: str, probability: NDArray[np.float32], name: str | None = None) -> PromptResult:
    """Return what the engine gives for a probability map."""
    inside = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    entropy = (-inside * np.log(inside) - (1 - inside) * np.log(1 - inside)).astype(np.float32)
    mask = (probability > 0.5).astype(np.uint8)
    return PromptResult(
        prompt, name or prompt, probability, mask, entropy, np.zeros_like(entropy), 0.5, float(entropy.mean())
    )


def mapping_of(volume: Volume) -> IntensityMapping:
    """Return the usual mapping of grey values to 8 bit."""
    return resolve(default_rule(volume), volume)


def written_segments(scene: Any, volume_node: Any, result: SegmentationResult, segmentation_node: Any = None) -> Any:
    """Write a result, to a new segmentation unless one is given, and return the segmentation."""
    return write_result(scene, volume_node, result, segmentation_node).segmentation


def written_maps(scene: Any, volume_node: Any, result: SegmentationResult) -> list[tuple[Any, Any, Any]]:
    """Write a result to the volume's segmentation; return probability, uncertainty, mutual information a prompt."""
    written = write_result(scene, volume_node, result, find_segmentation(scene, volume_node))
    return list(zip(written.probability_maps, written.uncertainty_maps, written.mutual_information_maps, strict=True))
