"""The record each result carries in the scene: segment tags and node attributes.

Values are percent-encoded: the segmentation file ends a tag at "|", and line breaks, quotes and letters beyond ASCII
aren't safe in every place a tag travels through.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args
from urllib.parse import quote, unquote

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.islands import ALL, IslandRule, check_island_rule, removed_record
from ..inference.result import PromptResult, SegmentationResult
from ..knowledge.verdict import Verdict, VerdictKind

PREFIX = "MedCLIPSeg."
RECORD_NAMES = (
    "Prompt",
    "Model",
    "ModelHash",
    "Samples",
    "Seed",
    "Threshold",
    "Islands",
    "RemovedIslands",
    "MeanUncertainty",
    "PlaneAgreement",
    "Verdict",
    "VerdictText",
    "Suggestions",
    "ExpectedDice",
    "Edited",
    "MaskHash",
    "Settings",
    "ReviewState",
    "Reviewer",
    "ReviewTime",
    "ReviewNote",
    "ReviewMask",
)
"""Tags of a segment, without the prefix.

``Settings`` is the JSON of all settings of the run, ``MaskHash`` tells whether the mask has been changed since.
``Islands`` is the rule by which islands were kept and ``RemovedIslands`` the JSON of ``removed_record``, both missing
where all were kept.
``Suggestions`` is a JSON list of prompts, ``PlaneAgreement`` the ``plane_agreement`` of :class:`PromptResult`,
``ExpectedDice`` that of the verdict. The last five are a person's review, see ``segment_review``; a new run ends it.
"""

_OF_ISLANDS = ("Islands", "RemovedIslands")
_OF_VERDICT = ("Verdict", "VerdictText", "Suggestions")
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

    ``MeanUncertainty`` is in nats, missing where it would mean nothing, and speaks, as all others do, of the last run
    that wrote to the segment.
    Empty for segments that aren't ours.
    """
    record = {}
    for name in RECORD_NAMES:
        value = vtk.reference("")
        if segment.GetTag(PREFIX + name, value):
            record[name] = decode(str(value))
    return record


def verdict_of(segment: slicer.vtkSegment) -> Verdict | None:
    """Kind, text and suggestions of the verdict on a segment; None without one, or where it was damaged."""
    record = segment_record(segment)
    kind = next((kind for kind in get_args(VerdictKind) if kind == record.get("Verdict")), None)
    try:
        suggestions = json.loads(record.get("Suggestions", "[]"))
    except ValueError:
        return None
    if kind is None or not isinstance(suggestions, list):
        return None
    return Verdict(kind, record.get("VerdictText", ""), tuple(map(str, suggestions)))


def island_rule_of(segment: slicer.vtkSegment) -> IslandRule:
    """The rule by which islands of a segment were kept; "all" without one, or where it was damaged."""
    try:
        return check_island_rule(segment_record(segment).get("Islands", ALL))
    except MedCLIPSegError:
        return ALL


def removed_islands_of(segment: slicer.vtkSegment) -> dict[str, Any] | None:
    """``removed_record`` of the islands that were removed from a segment; None where none were or it was damaged."""
    try:
        removed = json.loads(segment_record(segment).get("RemovedIslands", "null"))
    except ValueError:
        return None
    is_whole = isinstance(removed, dict) and all(isinstance(removed.get(name), int) for name in ("count", "voxels"))
    return removed if is_whole else None


def expected_dice_of(record: Mapping[str, str]) -> float | None:
    """Dice to be expected of a model's mask, 0…1, by a segment's record; None without one, or where it was damaged."""
    try:
        dice = float(record["ExpectedDice"])
    except (KeyError, ValueError):
        return None
    return dice if 0 <= dice <= 1 else None


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
        "Edited": "0",
        "MaskHash": mask_hash(mask),
        "Settings": json.dumps(result.settings, ensure_ascii=False, sort_keys=True),
    }
    record |= _island_tags(prompt.islands, prompt.removed_islands)
    if prompt.mean_uncertainty is not None:
        record["MeanUncertainty"] = f"{prompt.mean_uncertainty:.6g}"
    if prompt.plane_agreement is not None:
        record["PlaneAgreement"] = f"{prompt.plane_agreement:.6g}"
    if prompt.verdict is not None:
        suggestions = json.dumps(prompt.verdict.suggestions, ensure_ascii=False)
        record |= zip(_OF_VERDICT, (prompt.verdict.kind, prompt.verdict.text, suggestions), strict=True)
        if prompt.verdict.expected_dice is not None:
            record["ExpectedDice"] = f"{prompt.verdict.expected_dice:.4g}"
    for name, setting in _SETTING_OF_TAG.items():
        if setting in result.settings:
            record[name] = result.settings[setting]
    _write(segment, RECORD_NAMES, record)


def write_threshold_record(
    segment: slicer.vtkSegment,
    threshold: float,
    islands: IslandRule,
    removed: Sequence[int],
    mask: NDArray[np.uint8],
    mean_uncertainty: float | None,
) -> None:
    """Replace the tags that depend on threshold and islands; the others keep telling of the run.

    The verdict goes when there is something now where there was nothing, or nothing where there was something, unless
    it says that mask and uncertainty mean nothing at any threshold.

    Args:
        segment: a segment with the record of a run.
        threshold: the one ``mask`` was made with, 0…1 exclusive.
        islands: rule by which islands were kept.
        removed: voxels of each island that was removed.
        mask: (K, J, I) of 0 and 1, as the segment holds it now.
        mean_uncertainty: in nats; None when it isn't known.
    """
    verdict = verdict_of(segment)
    is_unknown = verdict is not None and verdict.is_unknown
    was_empty = segment_record(segment).get("MaskHash") == mask_hash(np.zeros_like(mask))
    if was_empty == bool(mask.any()) and not is_unknown:
        for name in _OF_VERDICT:
            segment.RemoveTag(PREFIX + name)
    if segment_record(segment).get("Threshold") != str(threshold):
        for of_former_mask in ("PlaneAgreement", "ExpectedDice"):
            segment.RemoveTag(PREFIX + of_former_mask)
    segment.SetTag(PREFIX + "Threshold", encode(str(threshold)))
    segment.SetTag(PREFIX + "MaskHash", mask_hash(mask))
    _write(segment, _OF_ISLANDS, _island_tags(islands, removed))
    if mean_uncertainty is None or is_unknown:
        segment.RemoveTag(PREFIX + "MeanUncertainty")
    else:
        segment.SetTag(PREFIX + "MeanUncertainty", f"{mean_uncertainty:.6g}")


def is_edited(segment: slicer.vtkSegment) -> bool:
    """True when a user changed the segment since the last run: it must not be overwritten."""
    return segment_record(segment).get("Edited") == "1"


def mark_edited(segment: slicer.vtkSegment) -> None:
    """Note that a user changed the segment: later runs add a new one instead of overwriting it."""
    segment.SetTag(PREFIX + "Edited", "1")


def _island_tags(rule: IslandRule, removed: Sequence[int]) -> dict[str, Any]:
    """The tags ``_OF_ISLANDS`` by name; those that are missing are left out."""
    return {} if rule == ALL else {"Islands": rule, "RemovedIslands": json.dumps(removed_record(removed))}


def _write(segment: slicer.vtkSegment, names: Iterable[str], record: Mapping[str, Any]) -> None:
    """Set the tags of some names, and remove those that are not in the record."""
    for name in names:
        if name in record:
            segment.SetTag(PREFIX + name, encode(str(record[name])))
        else:
            segment.RemoveTag(PREFIX + name)
