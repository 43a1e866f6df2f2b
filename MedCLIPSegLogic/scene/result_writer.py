"""A whole result into the scene, at once or in small steps."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from ..errors import MedCLIPSegError
from ..inference.result import PromptResult, SegmentationResult
from .geometry import require_unchanged
from .maps import MUTUAL_INFORMATION, PROBABILITY, UNCERTAINTY, refresh_expected_entropy, write_map_steps
from .nodes import MapNode, Scene, SegmentationNode, VolumeNode
from .segment_writer import SegmentAppearance, write_segment
from .segmentation import attach_to_volume, create_segmentation, require_own_volume


@dataclass(frozen=True)
class SceneResult:
    """Nodes of a result; the tuples have one entry a prompt, in the order of the prompts.

    Args:
        segmentation: vtkMRMLSegmentationNode with one segment a prompt.
        segment_ids: IDs of these segments.
        probability_maps: scalar volumes, 0…1.
        uncertainty_maps: scalar volumes, 0…ln 2 nats.
        mutual_information_maps: scalar volumes, 0…ln 2 nats.
    """

    segmentation: SegmentationNode
    segment_ids: tuple[str, ...]
    probability_maps: tuple[MapNode, ...]
    uncertainty_maps: tuple[MapNode, ...]
    mutual_information_maps: tuple[MapNode, ...]


def write_result(
    scene: Scene,
    volume_node: VolumeNode,
    result: SegmentationResult,
    segmentation_node: SegmentationNode | None = None,
    appearance: Mapping[str, SegmentAppearance] | None = None,
) -> SceneResult:
    """Write the segments and maps of a result at once; see ``write_result_steps``."""
    steps = write_result_steps(scene, volume_node, result, segmentation_node, appearance)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            written: SceneResult = end.value
            return written


def write_result_steps(
    scene: Scene,
    volume_node: VolumeNode,
    result: SegmentationResult,
    segmentation_node: SegmentationNode | None = None,
    appearance: Mapping[str, SegmentAppearance] | None = None,
) -> Generator[None, None, SceneResult]:
    """Write the segments and maps of a result, a segment or some slices of a map a step; see ``write_segment`` and
    ``write_map_steps``.

    The generator may be dropped at any step; what was written until then stays.

    Args:
        scene: scene of the volume.
        volume_node: the input; results go under its parent transform.
        result: on the voxel grid of ``volume_node``.
        segmentation_node: segmentation to write to; None for a new one beside the volume.
        appearance: names and colors of new segments by prompt; segments that are there keep theirs.

    Returns:
        The nodes, as value of the generator.

    Raises:
        MedCLIPSegError: the result doesn't fit the volume, or the segmentation is another volume's or lies on another
            voxel grid, all noticed before anything is written; or a node was removed from the scene between two steps.
    """
    require_unchanged(volume_node, result.volume)
    for prompt in result.prompts:
        _require_complete(prompt, result)
    if segmentation_node is None:
        segmentation_node = create_segmentation(scene, volume_node)
    else:
        require_own_volume(segmentation_node, volume_node)
        attach_to_volume(segmentation_node, volume_node)

    steps = _steps(scene, volume_node, result, segmentation_node, appearance or {})
    while True:
        try:
            next(steps)
        except StopIteration as end:
            written: SceneResult = end.value
            return written
        yield
        for node in (volume_node, segmentation_node):  # others had their turn
            if node.GetScene() is not scene:
                raise MedCLIPSegError(
                    f"“{node.GetName()}” was removed while its results were written, so some are missing: run again."
                )


def _steps(
    scene: Scene,
    volume_node: VolumeNode,
    result: SegmentationResult,
    segmentation_node: SegmentationNode,
    appearance: Mapping[str, SegmentAppearance],
) -> Generator[None, None, SceneResult]:
    segment_ids: list[str] = []
    for prompt in result.prompts:
        look = appearance.get(prompt.prompt)
        segment_ids.append(write_segment(segmentation_node, volume_node, prompt, result, look, segment_ids))
        yield
    maps: dict[str, list[MapNode]] = {}
    written: list[str] = []
    for prompt in result.prompts:
        for role, values in (
            (PROBABILITY, prompt.probability),
            (UNCERTAINTY, prompt.uncertainty),
            (MUTUAL_INFORMATION, prompt.mutual_information),
        ):
            node = yield from write_map_steps(scene, volume_node, role, values, prompt, result, written)
            maps.setdefault(role.name, []).append(node)
            written.append(node.GetID())
            yield
        refresh_expected_entropy(scene, volume_node, prompt.prompt)
        yield
    return SceneResult(
        segmentation_node,
        tuple(segment_ids),
        *(tuple(maps.get(role.name, ())) for role in (PROBABILITY, UNCERTAINTY, MUTUAL_INFORMATION)),
    )


def _require_complete(prompt: PromptResult, result: SegmentationResult) -> None:
    for values in (prompt.mask, prompt.probability, prompt.uncertainty, prompt.mutual_information):
        if values.shape != tuple(result.volume.shape):
            raise MedCLIPSegError(f"The result of “{prompt.name}” doesn't cover the volume: run again.")
