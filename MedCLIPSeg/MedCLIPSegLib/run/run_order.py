"""From the panel's choices to what the engine is asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.input.intensity_choices import intensityRule
from MedCLIPSegLib.model.zero_shot_choices import isZeroShot
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.run.zero_shot_order import ZeroShotChoices, ZeroShotModels, zeroShotModels, zeroShotRequest
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
    from MedCLIPSegLogic.clip_sam.request import ZeroShotRequest
    from MedCLIPSegLogic.inference.request import SegmentationRequest
    from MedCLIPSegLogic.volumes.planes import SliceAxis

SLICE, RANGE, VOLUME = "slice", "range", "volume"


@dataclass(frozen=True, eq=False)
class RunOrder:
    """One run, with all it needs copied out of the scene: nodes may change or vanish before it ends.

    Args:
        request: for the engine.
        model: name of a bundled model or path of a model folder.
        volumeId: ID of the image's node.
        rows: the rows that are run, in the order of the request's prompts.
        zeroShot: what a run without training data is made with; None for one of a trained model.
    """

    request: "SegmentationRequest | ZeroShotRequest"
    model: str
    volumeId: str
    rows: tuple[PromptRow, ...]
    zeroShot: ZeroShotModels | None = None


def prepareRun(
    parameters: "MedCLIPSegParameterNode",
    rows: Sequence[PromptRow],
    axis: "SliceAxis",
    shownSlice: int | None,
    device: str,
) -> RunOrder:
    """Copy the image and check every choice.

    Args:
        parameters: the panel's choices, with an input volume.
        rows: what to look for.
        axis: how the image is sliced.
        shownSlice: the slice in view, None when no view shows one.
        device: "auto", "cpu" or "cuda".

    Raises:
        MedCLIPSegError: no prompt, the same prompt twice, no slice in view, a choice out of range, or a missing model.
    """
    from MedCLIPSegLogic.inference.adaptive import AdaptiveSampling
    from MedCLIPSegLogic.inference.request import SegmentationRequest
    from MedCLIPSegLogic.scene.maps import map_role
    from MedCLIPSegLogic.scene.volumes import volume_from_node

    volumeNode = parameters.inputVolume
    if map_role(volumeNode) is not None:
        raise MedCLIPSegError(_("This image is a map made by MedCLIPSeg; select the image it was made from."))
    if not rows or not all(row.canRun for row in rows):
        raise MedCLIPSegError(_("There is no prompt yet; type what to look for and press Enter."))
    prompts = tuple(row.prompt for row in rows)
    twice = next((prompt for prompt in prompts if prompts.count(prompt) > 1), None)
    if twice is not None:
        raise MedCLIPSegError(_("Two rows have the prompt “{prompt}”; change or remove one.").format(prompt=twice))
    first, end = _slices(parameters, axis, shownSlice)
    start = min(max(shownSlice if shownSlice is not None else (first + end) // 2, first), end - 1)
    common: dict[str, Any] = {
        "volume": volume_from_node(volumeNode),
        "prompts": prompts,
        "threshold": tuple(row.threshold for row in rows),
        "plane": parameters.plane,
        "slices": (first, end),
        "start_slice": start,
        "intensity": intensityRule(parameters.intensity, volumeNode),
        "seed": parameters.seed,
        "device": device,
    }
    if isZeroShot(parameters.model):
        choices = ZeroShotChoices.ofPanel(parameters)
        models, asked = zeroShotModels(choices, prompts), zeroShotRequest(choices, common)
        return RunOrder(asked, parameters.model, volumeNode.GetID(), tuple(rows), models)
    request = SegmentationRequest(
        **common,
        samples=parameters.sampleCount,
        adaptive=AdaptiveSampling() if parameters.adaptive else None,
    )
    return RunOrder(request, parameters.model, volumeNode.GetID(), tuple(rows))


def _slices(parameters: "MedCLIPSegParameterNode", axis: "SliceAxis", shownSlice: int | None) -> tuple[int, int]:
    """First slice and the slice after the last one."""
    if parameters.scope == SLICE and axis.count > 1:
        if shownSlice is None:
            raise MedCLIPSegError(
                _("No slice view shows a slice of the image in this plane; scroll to one or choose the whole volume.")
            )
        return shownSlice, shownSlice + 1
    if parameters.scope == RANGE:
        first, last = parameters.firstSlice, parameters.lastSlice
        if not 0 <= first <= last < axis.count:
            raise MedCLIPSegError(
                _("The slices {first} to {last} do not fit; choose from 1 to {count} in rising order.").format(
                    first=first + 1, last=last + 1, count=axis.count
                )
            )
        return first, last + 1
    return 0, axis.count
