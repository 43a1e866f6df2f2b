"""What a run is asked to do: the choices of the panel or of a script, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.input.intensity_choices import intensityRule
from MedCLIPSegLib.model.zero_shot_choices import AS_PUBLISHED, isZeroShot
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.scene_state import SceneState
from MedCLIPSegLib.slicing import planesToFuse
from MedCLIPSegLogic.errors import MedCLIPSegError, MissingModelError
from MedCLIPSegLogic.model.catalog import describe_model
from MedCLIPSegLogic.model.manifest import zoo

if TYPE_CHECKING:
    from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
    from MedCLIPSegLogic.runs.preparing import PreparedRun
    from MedCLIPSegLogic.volumes.planes import SliceAxis

SLICE, RANGE, VOLUME = "slice", "range", "volume"


@dataclass(frozen=True, eq=False)
class RunOrder:
    """One run, with all it needs copied out of the scene: nodes may change or vanish before it ends.

    Args:
        prepared: for the engine.
        volumeId: ID of the image's node.
        rows: the rows that are run, in the order of the request's prompts.
    """

    prepared: PreparedRun
    volumeId: str
    rows: tuple[PromptRow, ...]


def orderOf(
    scene: SceneState,
    rows: Sequence[PromptRow],
    device: str,
    threads: str | int = "auto",
    ownWords: bool = False,
    showAnyway: bool = False,
) -> RunOrder:
    """What the panel asks for.

    Args:
        scene: the choices and the image.
        rows: what to look for.
        device: "auto", "cpu" or "cuda".
        threads: number of processor threads, or "auto".
        ownWords: ask what is not understood in the nearest words the model knows.
        showAnyway: segment also what is not understood.

    Raises:
        MedCLIPSegError: no image, no prompt, the same prompt twice, no slice in view, a choice out of range, or a
            missing model.
    """
    # What is chosen here is chosen again there, of the same knowledge.
    import MedCLIPSegLogic.runs.preparing  # noqa: F401

    prompts = [row.prompt for row in rows]
    parameters, (axis, _chosenBy) = scene.parameters, scene.sliceAxisFor(prompts)
    if parameters is None or scene.volumeNode is None:
        raise MedCLIPSegError(_("There is no image yet; load one and choose it in Input."))
    if axis is None:
        raise MedCLIPSegError(_("This image is a single slice; choose the plane “Automatic” in Input."))
    if not rows or not all(row.canRun for row in rows):
        raise MedCLIPSegError(_("There is no prompt yet; type what to look for and press Enter."))
    twice = next((prompt for prompt in prompts if prompts.count(prompt) > 1), None)
    if twice is not None:
        raise MedCLIPSegError(_("Two rows have the prompt “{prompt}”; change or remove one.").format(prompt=twice))
    if parameters.scope == RANGE and axis != scene.sliceAxis:
        raise MedCLIPSegError(
            _("The slices were chosen in another plane than “{prompt}” is segmented in; choose the plane too.").format(
                prompt=prompts[0]
            )
        )
    choices = _choices(parameters, axis, tuple(row.threshold for row in rows), device, threads)
    if not isZeroShot(parameters.model):
        choices = {**choices, "own_words": ownWords, "show_anyway": showAnyway}
        choices["islands"] = tuple(row.islands for row in rows)
    return RunOrder(preparedRun(scene.volumeNode, prompts, choices), scene.volumeNode.GetID(), tuple(rows))


def preparedRun(volumeNode: slicer.vtkMRMLVolumeNode, prompts: Sequence[str], choices: dict[str, Any]) -> PreparedRun:
    """Copy an image and check everything, for the panel and for scripts.

    Args:
        volumeNode: the image.
        prompts: one text per segment.
        choices: fields of `RunChoices`; a script may write their names as the panel's code does, "objectPrompts".

    Raises:
        MissingModelError: a model is not on this computer.
        MedCLIPSegError: the image is a map, or a choice is unknown or out of range.
    """
    from MedCLIPSegLogic.runs.choices import RunChoices
    from MedCLIPSegLogic.runs.preparing import prepare
    from MedCLIPSegLogic.scene.map_volumes import map_role
    from MedCLIPSegLogic.scene.volumes import volume_from_node

    if map_role(volumeNode) is not None:
        raise MedCLIPSegError(_("This image is a map made by MedCLIPSeg; select the image it was made from."))
    known = {_camelCase(field.name): field.name for field in fields(RunChoices)}
    try:
        named = RunChoices(**{known.get(name, name): value for name, value in choices.items()})
        return prepare(volume_from_node(volumeNode), prompts, named)
    except MissingModelError as error:
        raise MissingModelError(_missingText(error), error.name) from error


def _choices(
    parameters: MedCLIPSegParameterNode, axis: SliceAxis, thresholds: tuple[float, ...], device: str, threads: str | int
) -> dict[str, Any]:
    """The panel's choices by the names of `RunChoices`."""
    from MedCLIPSegLogic.scene.views import shown_slice

    shown = shown_slice(slicer.mrmlScene, parameters.inputVolume, axis.axis)
    first, end = _slices(parameters, axis, shown)
    common = {
        "model": parameters.model,
        "threshold": thresholds,
        "plane": parameters.plane,
        "slices": (first, end),
        "start_slice": min(max(shown if shown is not None else (first + end) // 2, first), end - 1),
        "intensity": intensityRule(parameters.intensity, parameters.inputVolume),
        "seed": parameters.seed,
        "device": device,
        "threads": threads,
    }
    if not isZeroShot(parameters.model):
        isWhole = parameters.scope == VOLUME and planesToFuse(parameters.inputVolume, axis) is not None
        names = ("adaptive", "noise", "smoothing")
        own = {"samples": parameters.sampleCount, **{name: getattr(parameters, name) for name in names}}
        return {**common, **own, "three_planes": parameters.threePlanes and isWhole}
    percent = parameters.zeroShotConfidence
    return {
        **common,
        "towers": parameters.zeroShotTowers or None,
        "sam": parameters.zeroShotSam or None,
        "object_prompts": parameters.zeroShotPrompts or None,
        "padding": parameters.zeroShotPadding / 100,
        "points": parameters.zeroShotPoints,
        "binarization": parameters.zeroShotBinarization or None,
        "confidence": None if percent == AS_PUBLISHED else percent / 100,
        "objects": parameters.zeroShotObjects or None,
        "study": parameters.zeroShotStudy or None,
        "design": parameters.zeroShotDesign or None,
        "kind": parameters.zeroShotKind or None,
    }


def _slices(parameters: MedCLIPSegParameterNode, axis: SliceAxis, shown: int | None) -> tuple[int, int]:
    """First slice and the slice after the last one."""
    if parameters.scope == SLICE and axis.count > 1:
        if shown is None:
            raise MedCLIPSegError(
                _("No slice view shows a slice of the image in this plane; scroll to one or choose the whole volume.")
            )
        return shown, shown + 1
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


def _missingText(error: MissingModelError) -> str:
    """What is missing, and the ways out that the panel has."""
    if error.name is None:
        return _(
            "No SAM is on this computer: press “Download model…” in Model, or choose “None: the coarse mask” as SAM "
            "there."
        )
    if error.name not in zoo():  # a folder that is gone
        return str(error)
    return _("{title} is not on this computer: press “Download model…” in Model, or choose another one.").format(
        title=describe_model(error.name).title
    )


def _camelCase(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)
