"""The record each result carries in the scene: segment tags and node attributes.

Values are percent-encoded: the segmentation file ends a tag at "|", and line breaks, quotes and letters beyond ASCII
aren't safe in every place a tag travels through.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..inference.result import PromptResult, SegmentationResult

PREFIX = "MedCLIPSeg."
RECORD_NAMES = (
    "Prompt",
    "Model",
    "ModelHash",
    "Samples",
    "Seed",
    "Threshold",
    "MeanUncertainty",
    "Edited",
    "MaskHash",
    "Settings",
)
"""Tags of a segment, without the prefix.

``Settings`` is the JSON of all settings of the run, ``MaskHash`` tells whether the mask has been changed since.
"""

_SETTING_OF_TAG = {"Model": "model", "ModelHash": "model_hash", "Samples": "samples", "Seed": "seed"}


def encode(text: str) -> str:
    """Return the text as plain ASCII without "|", line breaks, quotes or outer blanks; ``decode`` undoes it."""
    blanks_at_ends = len(text) != len(text.strip())
    safe = ",.-:()" if blanks_at_ends else " ,.-:()"
    return quote(text, safe=safe, errors="surrogatepass")


def decode(text: str) -> str:
    """Return the text that was given to ``encode``."""
    return unquote(text, errors="surrogatepass")


def segment_record(segment: slicer.vtkSegment) -> dict[str, str]:
    """Return the decoded tags a run or a user edit left on a segment, by their names in ``RECORD_NAMES``.

    ``MeanUncertainty`` is in nats and speaks, as all others do, of the last run that wrote to the segment.
    Empty for segments that aren't ours.
    """
    record = {}
    for name in RECORD_NAMES:
        value = vtk.reference("")
        if segment.GetTag(PREFIX + name, value):
            record[name] = decode(str(value))
    return record


def is_of_prompt(segment: slicer.vtkSegment, prompt: str) -> bool:
    """True when a run of a prompt wrote the segment; quicker than to decode its whole record."""
    value = vtk.reference("")
    return bool(segment.GetTag(f"{PREFIX}Prompt", value)) and str(value) == encode(prompt)


def mask_hash(mask: NDArray[np.uint8]) -> str:
    """Fingerprint of a mask (K, J, I) of 0 and 1."""
    return hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).hexdigest()


def write_segment_record(
    segment: slicer.vtkSegment, prompt: PromptResult, result: SegmentationResult, mask: NDArray[np.uint8]
) -> None:
    """Replace the tags of a segment by those of a run; the segment then counts as not edited."""
    record: dict[str, Any] = {
        "Prompt": prompt.prompt,
        "Threshold": prompt.threshold,
        "MeanUncertainty": f"{prompt.mean_uncertainty:.6g}",
        "Edited": "0",
        "MaskHash": mask_hash(mask),
        "Settings": json.dumps(result.settings, ensure_ascii=False, sort_keys=True),
    }
    for name, setting in _SETTING_OF_TAG.items():
        if setting in result.settings:
            record[name] = result.settings[setting]
    for name in RECORD_NAMES:
        if name in record:
            segment.SetTag(PREFIX + name, encode(str(record[name])))
        else:
            segment.RemoveTag(PREFIX + name)


def write_threshold_record(
    segment: slicer.vtkSegment, threshold: float, mask: NDArray[np.uint8], mean_uncertainty: float | None
) -> None:
    """Replace the tags that depend on the threshold; the others keep telling of the run.

    Args:
        segment: a segment with the record of a run.
        threshold: the one ``mask`` was made with, 0…1 exclusive.
        mask: (K, J, I) of 0 and 1, as the segment holds it now.
        mean_uncertainty: in nats; None when it isn't known.
    """
    segment.SetTag(PREFIX + "Threshold", encode(str(threshold)))
    segment.SetTag(PREFIX + "MaskHash", mask_hash(mask))
    if mean_uncertainty is None:
        segment.RemoveTag(PREFIX + "MeanUncertainty")
    else:
        segment.SetTag(PREFIX + "MeanUncertainty", f"{mean_uncertainty:.6g}")


def is_edited(segment: slicer.vtkSegment) -> bool:
    """True when a user changed the segment since the last run: it must not be overwritten."""
    return segment_record(segment).get("Edited") == "1"


def mark_edited(segment: slicer.vtkSegment) -> None:
    """Note that a user changed the segment: later runs add a new one instead of overwriting it."""
    segment.SetTag(PREFIX + "Edited", "1")
