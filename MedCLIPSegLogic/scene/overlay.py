"""A map over the images in all slice views, and back to exactly the views before it.

What the views looked like is kept in the scene itself, on the nodes that were changed. It therefore survives saving
and loading, vanishes when the scene is closed, and never points to nodes that are gone.
"""

from __future__ import annotations

import slicer

from ..errors import MedCLIPSegError
from .maps import ROLE_ATTRIBUTE, MapRole, ensure_display, map_role
from .nodes import nodes_of_class

LEGEND_ROLE = "Legend"

LEGEND_SIZE = (0.1, 0.4)
"""Width and height as shares of a slice view; the letters grow with it and would hide the image."""

_FOREGROUND_REFERENCE = "MedCLIPSeg.ForegroundBefore"
_OPACITY = "MedCLIPSeg.ForegroundOpacityBefore"
_COMPOSITING = "MedCLIPSeg.CompositingBefore"
_FILL = "MedCLIPSeg.FillBefore"
_OUTLINE = "MedCLIPSeg.OutlineBefore"
_OUTLINE_OPACITY = "MedCLIPSeg.OutlineOpacityBefore"
_HIDDEN = "MedCLIPSeg.HiddenBefore"


def show_overlay(
    scene: slicer.vtkMRMLScene,
    map_node: slicer.vtkMRMLScalarVolumeNode,
    segmentation_node: slicer.vtkMRMLSegmentationNode | None = None,
    opacity: float = 0.5,
    minimum: float | None = None,
    outlines_only: bool = True,
) -> None:
    """Show a map as foreground of every slice view over its fixed range, with a legend, and segments as outlines.

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


def hide_overlay(scene: slicer.vtkMRMLScene) -> None:
    """Put the slice views, the segments' display and the legend back to what they were before ``show_overlay``.

    A view whose foreground the user has since changed keeps the user's choice. A volume removed from the scene
    meanwhile leaves its layer empty. Does nothing when no map is shown.
    """
    for composite in nodes_of_class(scene, "vtkMRMLSliceCompositeNode"):
        _restore_composite(composite)
    _restore_outlines(scene, except_for=None)
    _restore_legends(scene, except_for=None)


def is_overlay_shown(scene: slicer.vtkMRMLScene) -> bool:
    """True between ``show_overlay`` and ``hide_overlay``, also when the map was removed from the scene meanwhile."""
    composites = nodes_of_class(scene, "vtkMRMLSliceCompositeNode")
    return any(composite.GetAttribute(_OPACITY) is not None for composite in composites)


def overlay_map(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLScalarVolumeNode | None:
    """Return the map that ``show_overlay`` put over the views; None when none is shown."""
    for composite in nodes_of_class(scene, "vtkMRMLSliceCompositeNode"):
        if composite.GetAttribute(_OPACITY) is not None:
            foreground = _foreground(composite)
            if foreground is not None and map_role(foreground) is not None:
                return foreground
    return None


def _fix_range(
    scene: slicer.vtkMRMLScene, map_node: slicer.vtkMRMLScalarVolumeNode, role: MapRole, minimum: float | None
) -> None:
    ensure_display(scene, map_node, role)
    display = map_node.GetDisplayNode()
    was_modifying = display.StartModify()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, role.highest)
    if minimum is not None:
        # The upper end stays open, see ensure_display.
        display.SetThreshold(minimum, 2 * role.highest)
        display.ApplyThresholdOn()
    display.EndModify(was_modifying)


def _foreground(composite: slicer.vtkMRMLSliceCompositeNode) -> slicer.vtkMRMLVolumeNode | None:
    node_id = composite.GetForegroundVolumeID()
    return composite.GetScene().GetNodeByID(node_id) if node_id else None


def _remember_composite(composite: slicer.vtkMRMLSliceCompositeNode) -> None:
    if composite.GetAttribute(_OPACITY) is not None:
        return
    composite.SetAttribute(_OPACITY, repr(composite.GetForegroundOpacity()))
    composite.SetAttribute(_COMPOSITING, str(composite.GetCompositing()))
    if composite.GetForegroundVolumeID():
        composite.SetNodeReferenceID(_FOREGROUND_REFERENCE, composite.GetForegroundVolumeID())


def _restore_composite(composite: slicer.vtkMRMLSliceCompositeNode) -> None:
    opacity = composite.GetAttribute(_OPACITY)
    if opacity is None:
        return
    shown, before = _foreground(composite), composite.GetNodeReference(_FOREGROUND_REFERENCE)
    was_modifying = composite.StartModify()
    if shown is None or map_role(shown) is not None:
        composite.SetForegroundVolumeID(before.GetID() if before is not None else None)
        composite.SetForegroundOpacity(float(opacity))
        composite.SetCompositing(int(composite.GetAttribute(_COMPOSITING)))
    composite.RemoveNodeReferenceIDs(_FOREGROUND_REFERENCE)
    composite.RemoveAttribute(_OPACITY)
    composite.RemoveAttribute(_COMPOSITING)
    composite.EndModify(was_modifying)


def _show_outlines_only(scene: slicer.vtkMRMLScene, segmentation_node: slicer.vtkMRMLSegmentationNode | None) -> None:
    display = segmentation_node.GetDisplayNode() if segmentation_node is not None else None
    _restore_outlines(scene, except_for=display)
    if display is None:
        return
    was_modifying = display.StartModify()
    if display.GetAttribute(_FILL) is None:
        display.SetAttribute(_FILL, str(int(display.GetVisibility2DFill())))
        display.SetAttribute(_OUTLINE, str(int(display.GetVisibility2DOutline())))
        display.SetAttribute(_OUTLINE_OPACITY, repr(display.GetOpacity2DOutline()))
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetOpacity2DOutline(1.0)
    display.EndModify(was_modifying)


def _restore_outlines(scene: slicer.vtkMRMLScene, except_for: slicer.vtkMRMLDisplayNode | None) -> None:
    for display in nodes_of_class(scene, "vtkMRMLSegmentationDisplayNode"):
        fill = display.GetAttribute(_FILL)
        if fill is None or display is except_for:
            continue
        was_modifying = display.StartModify()
        display.SetVisibility2DFill(bool(int(fill)))
        display.SetVisibility2DOutline(bool(int(display.GetAttribute(_OUTLINE))))
        display.SetOpacity2DOutline(float(display.GetAttribute(_OUTLINE_OPACITY)))
        for name in (_FILL, _OUTLINE, _OUTLINE_OPACITY):
            display.RemoveAttribute(name)
        display.EndModify(was_modifying)


def _show_legend(scene: slicer.vtkMRMLScene, map_node: slicer.vtkMRMLScalarVolumeNode, title: str) -> None:
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(map_node)
    _restore_legends(scene, except_for=legend)
    if legend is None:
        legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(map_node)
        legend.SetAttribute(ROLE_ATTRIBUTE, LEGEND_ROLE)
        legend.SetTitleText(title)
        legend.SetLabelFormat("%.2f")
        legend.SetSize(*LEGEND_SIZE)
    elif not legend.GetVisibility():
        legend.SetAttribute(_HIDDEN, "1")
    legend.SetVisibility(True)


def _restore_legends(scene: slicer.vtkMRMLScene, except_for: slicer.vtkMRMLDisplayNode | None) -> None:
    """Remove the legends made here and hide again those a person made and hid."""
    for legend in nodes_of_class(scene, "vtkMRMLColorLegendDisplayNode"):
        if legend is except_for:
            continue
        if legend.GetAttribute(ROLE_ATTRIBUTE) == LEGEND_ROLE:
            scene.RemoveNode(legend)
        elif legend.GetAttribute(_HIDDEN) is not None:
            legend.SetVisibility(False)
            legend.RemoveAttribute(_HIDDEN)
