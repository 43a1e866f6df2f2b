"""A map over the images in all slice views, and back to exactly the views before it."""

from __future__ import annotations

import slicer

from ..errors import MedCLIPSegError
from .kept import forget, give_back, is_kept, keep
from .map_volumes import ROLE_ATTRIBUTE, MapRole, display_range, ensure_display, map_role
from .nodes import MapNode, Scene, SegmentationNode, nodes_of_class

LEGEND_ROLE = "Legend"

LEGEND_SIZE, LEGEND_PLACE, LEGEND_LETTERS = (0.06, 0.25), (1.0, 0.0), 11
"""Shares of a slice view: width and height, and the lower right corner; size of the letters in points."""

_FOREGROUND_REFERENCE = "MedCLIPSeg.ForegroundBefore"
_FOREGROUND = {"MedCLIPSeg.ForegroundOpacityBefore": "ForegroundOpacity", "MedCLIPSeg.CompositingBefore": "Compositing"}
_SEGMENTS = {
    "MedCLIPSeg.FillBefore": "Visibility2DFill",
    "MedCLIPSeg.OutlineBefore": "Visibility2DOutline",
    "MedCLIPSeg.OutlineOpacityBefore": "Opacity2DOutline",
}
_HIDDEN = "MedCLIPSeg.HiddenBefore"


def show_overlay(
    scene: Scene,
    map_node: MapNode,
    segmentation_node: SegmentationNode | None = None,
    opacity: float = 0.5,
    minimum: float | None = None,
    outlines_only: bool = True,
) -> None:
    """Show a map as foreground of every slice view over its range, with one legend, and segments as outlines.

    Background, label layer and all other settings stay as they are. May be called again with another map, segmentation
    or opacity, or after views were added: what was there before the first call is kept.

    Args:
        scene: scene of all nodes.
        map_node: a probability or uncertainty map.
        segmentation_node: its segments lose their fill, which would hide the map; None leaves all as they are.
        opacity: of the map, 0…1.
        minimum: smaller values of the map are transparent; None leaves the map's own limit.
        outlines_only: False leaves the fill of the segments.

    Raises:
        MedCLIPSegError: the node isn't one of our maps.
    """
    role = map_role(map_node)
    if role is None:
        raise MedCLIPSegError(f"“{map_node.GetName()}” is neither a probability nor an uncertainty map.")
    _fix_range(scene, map_node, role, minimum)
    for composite in nodes_of_class(scene, "vtkMRMLSliceCompositeNode"):
        _remember_composite(composite)
        was_modifying = composite.StartModify()
        composite.SetForegroundVolumeID(map_node.GetID())
        # New views have a foreground opacity of 0.
        composite.SetForegroundOpacity(opacity)
        composite.SetCompositing(slicer.vtkMRMLSliceCompositeNode.Alpha)
        composite.EndModify(was_modifying)
    _show_outlines_only(scene, segmentation_node if outlines_only else None)
    _show_legend(scene, map_node, role.title)


def hide_overlay(scene: Scene) -> None:
    """Put the slice views, the segments' display and the legend back to what they were before ``show_overlay``.

    A view whose foreground the user has since changed keeps the user's choice. A volume removed from the scene
    meanwhile leaves its layer empty. Does nothing when no map is shown.
    """
    for composite in nodes_of_class(scene, "vtkMRMLSliceCompositeNode"):
        _restore_composite(composite)
    _restore_outlines(scene, except_for=None)
    _restore_legends(scene, except_for=None)


def _fix_range(scene: Scene, map_node: MapNode, role: MapRole, minimum: float | None) -> None:
    ensure_display(scene, map_node, role)
    display = map_node.GetDisplayNode()
    was_modifying = display.StartModify()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, display_range(role, map_node))
    if minimum is not None:
        # The upper end stays open, see ensure_display.
        display.SetThreshold(minimum, 2 * role.highest)
        display.ApplyThresholdOn()
    display.EndModify(was_modifying)


def _remember_composite(composite: slicer.vtkMRMLSliceCompositeNode) -> None:
    if keep(composite, _FOREGROUND) and composite.GetForegroundVolumeID():
        composite.SetNodeReferenceID(_FOREGROUND_REFERENCE, composite.GetForegroundVolumeID())


def _restore_composite(composite: slicer.vtkMRMLSliceCompositeNode) -> None:
    if not is_kept(composite, _FOREGROUND):
        return
    shown_id, before = composite.GetForegroundVolumeID(), composite.GetNodeReference(_FOREGROUND_REFERENCE)
    shown = composite.GetScene().GetNodeByID(shown_id) if shown_id else None
    was_modifying = composite.StartModify()
    if shown is None or map_role(shown) is not None:
        composite.SetForegroundVolumeID(before.GetID() if before is not None else None)
        give_back(composite, _FOREGROUND)
    forget(composite, _FOREGROUND)
    composite.RemoveNodeReferenceIDs(_FOREGROUND_REFERENCE)
    composite.EndModify(was_modifying)


def _show_outlines_only(scene: Scene, segmentation_node: SegmentationNode | None) -> None:
    display = segmentation_node.GetDisplayNode() if segmentation_node is not None else None
    _restore_outlines(scene, except_for=display)
    if display is None:
        return
    was_modifying = display.StartModify()
    keep(display, _SEGMENTS)
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetOpacity2DOutline(1.0)
    display.EndModify(was_modifying)


def _restore_outlines(scene: Scene, except_for: slicer.vtkMRMLDisplayNode | None) -> None:
    for display in nodes_of_class(scene, "vtkMRMLSegmentationDisplayNode"):
        if display is not except_for:
            was_modifying = display.StartModify()
            give_back(display, _SEGMENTS)
            display.EndModify(was_modifying)


def _show_legend(scene: Scene, map_node: MapNode, title: str) -> None:
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(map_node)
    _restore_legends(scene, except_for=legend)
    if legend is None:
        legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(map_node)
        legend.SetAttribute(ROLE_ATTRIBUTE, LEGEND_ROLE)
        legend.SetTitleText(title)
        legend.SetLabelFormat("%.2f")
        legend.SetSize(*LEGEND_SIZE)
        legend.SetPosition(*LEGEND_PLACE)
        for letters in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
            letters.SetFontSize(LEGEND_LETTERS)
    elif not legend.GetVisibility():
        legend.SetAttribute(_HIDDEN, "1")
    if legend.GetAttribute(ROLE_ATTRIBUTE) == LEGEND_ROLE:
        _show_once(scene, legend)
    legend.SetVisibility(True)


def _show_once(scene: Scene, legend: slicer.vtkMRMLDisplayNode) -> None:
    """In the first slice view of the layout alone."""
    views = nodes_of_class(scene, "vtkMRMLSliceNode")
    first = next((view for view in views if view.IsMappedInLayout()), None)
    was_modifying = legend.StartModify()
    legend.RemoveAllViewNodeIDs()
    if first is not None:
        legend.AddViewNodeID(first.GetID())
    legend.EndModify(was_modifying)


def _restore_legends(scene: Scene, except_for: slicer.vtkMRMLDisplayNode | None) -> None:
    """Remove the legends made here and hide again those a person made and hid."""
    for legend in nodes_of_class(scene, "vtkMRMLColorLegendDisplayNode"):
        if legend is except_for:
            continue
        if legend.GetAttribute(ROLE_ATTRIBUTE) == LEGEND_ROLE:
            scene.RemoveNode(legend)
        elif legend.GetAttribute(_HIDDEN) is not None:
            legend.SetVisibility(False)
            legend.RemoveAttribute(_HIDDEN)
