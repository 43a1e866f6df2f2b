"""A run that a script waits for."""

import logging
from collections import deque
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import METHODS, NO_SAM, isZeroShot
from MedCLIPSegLib.run.zero_shot_order import ZeroShotChoices, zeroShotModels, zeroShotRequest
from MedCLIPSegLib.run.zero_shot_run import ZeroShotSteps
from MedCLIPSegLogic.errors import MedCLIPSegError


def segmentNow(volumeNode: Any, model: str, samples: int, common: dict[str, Any], zeroShot: dict[str, Any]) -> Any:
    """Segment an image, with what the panel would do.

    Args:
        volumeNode: scalar or color volume.
        model: of the model chooser; empty for the default one.
        samples: Monte-Carlo passes a slice of a trained model.
        common: what all requests have, without the volume.
        zeroShot: fields of `ZeroShotChoices`.

    Returns:
        The segmentation node.

    Raises:
        MedCLIPSegError: bad input; nothing was written then.
    """
    from MedCLIPSegLogic.scene.result_writer import write_result
    from MedCLIPSegLogic.scene.segmentation import find_segmentation
    from MedCLIPSegLogic.scene.volumes import volume_from_node

    common = {"volume": volume_from_node(volumeNode), **common}
    steps = _zeroShotSteps(model, common, zeroShot) if isZeroShot(model) else _steps(model, samples, common, zeroShot)
    [result] = deque(steps, maxlen=1)
    scene = slicer.mrmlScene
    return write_result(scene, volumeNode, result, find_segmentation(scene, volumeNode)).segmentation


def _steps(model: str, samples: int, common: dict[str, Any], zeroShot: dict[str, Any]) -> Any:
    from MedCLIPSegLogic.inference.engine import run
    from MedCLIPSegLogic.inference.request import SegmentationRequest
    from MedCLIPSegLogic.model.library import load_model

    if zeroShot:
        raise MedCLIPSegError(
            _("Only zero-shot methods have the settings {names}; choose one of {methods} as model.").format(
                names=", ".join(zeroShot), methods=", ".join(METHODS)
            )
        )
    return run(load_model(model or None), SegmentationRequest(**common, samples=samples))


def _zeroShotSteps(model: str, common: dict[str, Any], zeroShot: dict[str, Any]) -> Any:
    choices = ZeroShotChoices.named(model, zeroShot)
    models, request = zeroShotModels(choices, common["prompts"]), zeroShotRequest(choices, common)
    if models.sam == NO_SAM and choices.sam != NO_SAM:
        logging.warning("MedCLIPSeg: no SAM is on this computer, so the result is the coarse mask")
    return ZeroShotSteps()(models, request)
