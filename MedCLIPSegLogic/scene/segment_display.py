"""Segments as outlines without filling, and back."""

from __future__ import annotations

import slicer

_FILL = "MedCLIPSeg.OutlinesOnly.Fill"
_OUTLINE = "MedCLIPSeg.OutlinesOnly.Outline"


def set_outlines_only(segmentation_node: slicer.vtkMRMLSegmentationNode, outlines_only: bool) -> None:
    """Show the segments in slice views as outlines without filling, or as they were shown before.

    May be called again with the same value; what was shown before the first call is kept, and a change of the display
    a person makes in between stays until the next change of the value.

    Args:
        segmentation_node: segmentation; one without a display stays as it is.
        outlines_only: True for outlines, False for what was there before.
    """
    display = segmentation_node.GetDisplayNode()
    if display is None or (display.GetAttribute(_FILL) is not None) == outlines_only:
        return
    was_modifying = display.StartModify()
    if outlines_only:
        display.SetAttribute(_FILL, str(int(display.GetVisibility2DFill())))
        display.SetAttribute(_OUTLINE, str(int(display.GetVisibility2DOutline())))
        display.SetVisibility2DFill(False)
        display.SetVisibility2DOutline(True)
    else:
        display.SetVisibility2DFill(display.GetAttribute(_FILL) == "1")
        display.SetVisibility2DOutline(display.GetAttribute(_OUTLINE) == "1")
        display.RemoveAttribute(_FILL)
        display.RemoveAttribute(_OUTLINE)
    display.EndModify(was_modifying)
