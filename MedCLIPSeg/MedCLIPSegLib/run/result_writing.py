"""A result into the scene, in small steps on the main thread, and in words."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.prompts.state_words import verdictWords
from MedCLIPSegLib.review.island_words import removedText
from MedCLIPSegLib.scene_state import SceneState
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLib.run.order import RunOrder
    from MedCLIPSegLogic.inference.result import SegmentationResult
    from MedCLIPSegLogic.knowledge.known import Level


def writeResult(scene: SceneState, order: RunOrder, result: SegmentationResult) -> Generator[None, None, str]:
    """Write masks and maps so that undo takes them back and every row knows its segment.

    Returns:
        What was found, in words.

    Raises:
        MedCLIPSegError: the image is gone or has changed; nothing was written then.
    """
    from MedCLIPSegLogic.scene.geometry import require_unchanged
    from MedCLIPSegLogic.scene.result_writer import SegmentAppearance, write_result_steps
    from MedCLIPSegLogic.scene.segmentation import create_segmentation, find_segmentation

    volumeNode = slicer.mrmlScene.GetNodeByID(order.volumeId)
    if volumeNode is None:
        raise MedCLIPSegError(_("The input image is no longer in the scene; nothing was written."))
    require_unchanged(volumeNode, result.volume)  # before a segmentation is made for it
    segmentation = find_segmentation(slicer.mrmlScene, volumeNode)
    if segmentation is None:
        segmentation = create_segmentation(slicer.mrmlScene, volumeNode)
    if scene.parameters is not None:
        scene.parameters.segmentation = segmentation
    scene.saveStateForUndo(segmentation)
    appearance = {row.prompt: SegmentAppearance(row.label, row.color) for row in order.rows}
    written = yield from write_result_steps(slicer.mrmlScene, volumeNode, result, segmentation, appearance)
    for row, segmentId in zip(order.rows, written.segment_ids, strict=True):
        scene.rows.update(row.rowId, segmentId=segmentId)
    return resultText(result, [row.label for row in order.rows])


def resultText(result: SegmentationResult, names: Sequence[str]) -> str:
    """What a finished run found, one line per prompt.

    Args:
        result: of the run.
        names: names of the rows, in the order of the prompts.
    """
    from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult

    lines = []
    for name, prompt in zip(names, result.prompts, strict=True):
        said = [verdictWords()[prompt.verdict.kind][1] + "."] if prompt.verdict is not None else []
        if prompt.mask.any():
            said.append(_uncertaintyText(prompt.mean_uncertainty, prompt.uncertainty_level))
            if prompt.sample_volume is not None:
                said.append(_samplesText(*prompt.sample_volume))
            if prompt.plane_agreement is not None:
                said.append(_("The planes agree with a Dice of {dice}.").format(dice=f"{prompt.plane_agreement:.2f}"))
        elif prompt.removed_islands:
            said.append(_("Nothing is kept."))
        elif prompt.verdict is None or (prompt.verdict.kind == "doubtful" and "denied" not in prompt.verdict.doubts):
            said.append(_("Nothing found."))
        removed = removedText(len(prompt.removed_islands), sum(prompt.removed_islands), result.volume.voxel_measure)
        said += [removed] if removed else []
        lines.append(_("{name}: {said}").format(name=name.rstrip(" .:"), said=" ".join(said)))
    lines += result.notes
    drawn = [count for prompt in result.prompts for count in prompt.samples_drawn if count]
    if drawn:
        lines.append(_("{samples} samples per slice.").format(samples=f"{sum(drawn) / len(drawn):.3g}"))
    if isinstance(result, ZeroShotResult):
        lines.append(_("Uncertainty is the entropy of the score map; no samples were drawn."))
        if result.settings["sam"] is None:
            lines.append(_("The masks are coarse: no SAM was used."))
    return "\n".join([*lines, _("Done in {time}.").format(time=durationText(result.seconds))])


def _uncertaintyText(nats: float | None, level: Level | None) -> str:
    if nats is None:
        return _("The uncertainty is unknown.")
    if level is not None:
        words = {"low": _("Low uncertainty"), "medium": _("Medium uncertainty"), "high": _("High uncertainty")}
        return _("{level}: {uncertainty} nats.").format(level=words[level], uncertainty=f"{nats:.2f}")
    return _("Mean uncertainty {uncertainty} nats.").format(uncertainty=f"{nats:.2f}")


def _samplesText(mean: float, deviation: float) -> str:
    return _("The samples have {mean} ml, with a standard deviation of {deviation} ml.").format(
        mean=f"{mean:.3g}", deviation=f"{deviation:.2g}"
    )


def durationText(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 60:
        return _("{seconds} s").format(seconds=round(seconds))
    return _("{minutes} min {seconds} s").format(minutes=int(seconds) // 60, seconds=int(seconds) % 60)
