"""Runs of the small random model."""

from __future__ import annotations

from typing import Any

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import SegmentationResult, to_the_end
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.volume import Volume


def finish(model: LoadedModel, volume: Volume, **settings: Any) -> SegmentationResult:
    """The result for a tumor, of four samples, but for other settings."""
    request = SegmentationRequest(volume=volume, **({"prompts": ("tumor",), "samples": 4} | settings))
    return to_the_end(run(model, request))
