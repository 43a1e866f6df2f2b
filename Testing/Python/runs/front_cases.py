"""Choices for a run that command line, Python, panel and script must all understand alike."""

from __future__ import annotations

import dataclasses
from typing import Any

from MedCLIPSegLab.results.demo import CASES as FOLDER
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.runs.choices import RunChoices
from MedCLIPSegLogic.runs.preparing import PreparedRun, prepare
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume

IMAGE = FOLDER / "hippocampus_mri.nii.gz"
PROMPT = "hippocampus"
A_SAM = "sam-vit-base"
"""Must be on this computer."""
GEOMETRY: dict[str, Any] = {"plane": "coronal", "slices": "10:14", "window": (200.0, 100.0)}
CASES: dict[str, dict[str, Any]] = {
    "nothing chosen": {},
    "a trained model": {
        **GEOMETRY,
        "model": "mini",
        "samples": 7,
        "adaptive": True,
        "smoothing": 1.5,
        "noise": "volume",
        "islands": 12.5,
        "threshold": 0.35,
        "seed": 9,
        "device": "cpu",
        "threads": 3,
    },
    "three planes": {"model": "mini", "samples": 2, "three_planes": True},
    "a preset": {"preset": "brain", "samples": 3},
    "medclip-sam as published": {"model": "medclip-sam"},
    "medclip-sam-v2 as published": {"model": "medclip-sam-v2"},
    "a coarse mask": {"model": "medclip-sam", "sam": "none", "confidence": 0.0},
    "all of a method": {
        **GEOMETRY,
        "model": "medclip-sam-v2",
        "towers": "mini",
        "sam": A_SAM,
        "object_prompts": "both",
        "padding": 0.25,
        "points": 4,
        "binarization": "two-means",
        "confidence": 0.25,
        "objects": 2,
        "study": "brain MRI",
        "design": "P3",
        "kind": "glioma",
        "threshold": 0.35,
        "seed": 9,
        "device": "cpu",
        "threads": 3,
    },
}
"""Fields of :class:`RunChoices`."""


def told(prepared: PreparedRun) -> dict[str, Any]:
    """What a prepared run shall do, but for the image's name and the slice it begins with."""
    request = prepared.request
    values = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    count = choose_axis(request.volume, request.plane).count
    values |= {"threshold": request.thresholds, "slices": request.slices or (0, count), "model": prepared.model}
    if isinstance(request, SegmentationRequest):
        values["islands"] = request.island_rules
    del values["volume"], values["start_slice"]
    return values


def expected(choices: dict[str, Any]) -> dict[str, Any]:
    """What the front makes of a case."""
    return told(prepare(read_volume(IMAGE), PROMPT, RunChoices(**choices)))
