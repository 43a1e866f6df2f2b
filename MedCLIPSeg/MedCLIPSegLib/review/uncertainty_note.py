"""What the uncertainty of segments is that were made without samples, in the Review section."""

import json
from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import isZeroShot
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section


class UncertaintyNote(Section):
    """A line below the choice of the map, there while the image has zero-shot segments."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._label = ui.reviewCollapsibleButton, ui.uncertaintyNoteLabel
        self._section.connect("contentsCollapsed(bool)", self.refresh)

    def refresh(self) -> None:
        """Name the segments."""
        if self._section.collapsed or self._logic.isWriting:
            return
        self._label.text = self._text()
        self._label.visible = bool(self._label.text)

    def _text(self) -> str:
        segmentationNode = self._logic.segmentationNode
        if segmentationNode is None:
            return ""
        from MedCLIPSegLogic.scene.segmentation import run_segments

        ours = [segment for _id, segment, _record in run_segments(segmentationNode)]
        without = [segment for segment in ours if hasNoSamples(segment)]
        if not without:
            return ""
        what = _(
            "Uncertainty is the entropy of the score map: total and expected entropy are the same, and mutual "
            "information is 0."
        )
        if len(without) == len(ours):
            return _("No samples were drawn (zero-shot).") + " " + what
        names = ", ".join(f"“{segment.GetName()}”" for segment in without)
        return _("No samples were drawn (zero-shot) for {names}.").format(names=names) + " " + what


def hasNoSamples(segment: Any) -> bool:
    """Whether a segment was made by a method without training data, which draws no samples."""
    from MedCLIPSegLogic.scene.tags import segment_record

    try:
        settings = json.loads(segment_record(segment).get("Settings", "{}"))
    except ValueError:  # damaged
        return False
    return isinstance(settings, dict) and isZeroShot(str(settings.get("method", "")))


def unitText(segmentationNode: Any, segmentId: str) -> str:
    """The unit of a segment's uncertainty, and what it is where no samples were drawn; for tool tips."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    if segment is not None and hasNoSamples(segment):
        return _("nats; entropy of the score map, no samples were drawn")
    return _("nats")
