"""The overlay on, and everything back as it was."""

from __future__ import annotations

from typing import Any

import pytest
import slicer
from composite_nodes import add_composite, is_changed, shown_map
from scene_samples import MakeResult
from scene_xml import scene_xml, xml_of

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.nodes import nodes_of_class
from MedCLIPSegLogic.scene.overlay import hide_overlay, show_overlay
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

COLOR_LEGEND = "vtkMRMLColorLegendDisplayNode"


def test_shows_the_map_in_every_view(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_volume_node: Any, a_display: Any
) -> None:
    shown = a_written_result.uncertainty_maps[0]
    assert three_views[1].GetForegroundOpacity() == 0
    show_overlay(a_scene, shown, a_written_result.segmentation, 0.4)
    for view in three_views:
        assert view.GetForegroundVolumeID() == shown.GetID()
        assert view.GetForegroundOpacity() == 0.4
        assert view.GetCompositing() == view.Alpha
    backgrounds = [view.GetBackgroundVolumeID() for view in three_views]
    assert backgrounds == [a_volume_node.GetID(), a_volume_node.GetID(), None]
    assert three_views[0].GetLabelOpacity() == 0.123456789012345
    assert shown_map(a_scene) is shown
    outlines = (a_display.GetVisibility2DFill(), a_display.GetVisibility2DOutline(), a_display.GetOpacity2DOutline())
    assert outlines == (0, 1, 1)


def test_legend_names_the_unit(a_scene: Any, three_views: list[Any], a_written_result: SceneResult) -> None:
    probability, uncertainty = a_written_result.probability_maps[0], a_written_result.uncertainty_maps[0]
    show_overlay(a_scene, uncertainty, None)
    [legend] = nodes_of_class(a_scene, COLOR_LEGEND)
    assert legend.GetTitleText() == "Uncertainty (nats)"
    assert legend.GetVisibility()
    assert legend.GetPrimaryDisplayNode() is uncertainty.GetDisplayNode()
    show_overlay(a_scene, probability, None)
    [legend] = nodes_of_class(a_scene, COLOR_LEGEND)
    assert legend.GetTitleText() == "Probability"
    assert legend.GetPrimaryDisplayNode() is probability.GetDisplayNode()


def test_hide_restores_every_field(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_display: Any
) -> None:
    before = scene_xml(a_scene)
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    assert scene_xml(a_scene) != before
    assert is_changed(a_scene)
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before
    assert shown_map(a_scene) is None
    assert not is_changed(a_scene)


def test_repeated_show_keeps_the_first_state(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_display: Any
) -> None:
    before = scene_xml(a_scene)
    for node in (*a_written_result.uncertainty_maps, *a_written_result.probability_maps):
        show_overlay(a_scene, node, a_written_result.segmentation, 0.8)
    assert len(nodes_of_class(a_scene, COLOR_LEGEND)) == 1
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before
    show_overlay(a_scene, a_written_result.uncertainty_maps[1], a_written_result.segmentation)
    hide_overlay(a_scene)
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before


def test_second_show_of_the_same_map_keeps_its_legend(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult
) -> None:
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], None)
    [legend] = nodes_of_class(a_scene, COLOR_LEGEND)
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], None, 0.9)
    assert nodes_of_class(a_scene, COLOR_LEGEND) == [legend]


def test_hide_without_show_changes_nothing(a_scene: Any, three_views: list[Any], a_display: Any) -> None:
    before = scene_xml(a_scene)
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before


def test_change_of_segmentation_restores_the_first(
    a_scene: Any, a_volume_node: Any, a_written_result: SceneResult, a_display: Any, a_result: SegmentationResult
) -> None:
    second = write_result(a_scene, a_volume_node, a_result)
    before = xml_of(a_scene, a_display)
    show_overlay(a_scene, second.uncertainty_maps[0], a_written_result.segmentation)
    show_overlay(a_scene, second.uncertainty_maps[0], second.segmentation)
    assert xml_of(a_scene, a_display) == before
    assert not second.segmentation.GetDisplayNode().GetVisibility2DFill()
    show_overlay(a_scene, second.uncertainty_maps[0], None)
    assert second.segmentation.GetDisplayNode().GetVisibility2DFill()


def test_view_added_while_on_is_shown_and_restored(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult
) -> None:
    shown = a_written_result.uncertainty_maps[0]
    show_overlay(a_scene, shown, None)
    late = add_composite(a_scene, "Slice4")
    before = xml_of(a_scene, late)
    show_overlay(a_scene, shown, None)
    assert late.GetForegroundVolumeID() == shown.GetID()
    hide_overlay(a_scene)
    assert xml_of(a_scene, late) == before


def test_foreground_the_user_chose_meanwhile_stays(
    a_scene: Any, three_views: list[Any], a_volume_node: Any, a_written_result: SceneResult
) -> None:
    green = three_views[1]
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], None)
    green.SetForegroundVolumeID(a_volume_node.GetID())
    green.SetForegroundOpacity(0.9)
    hide_overlay(a_scene)
    assert (green.GetForegroundVolumeID(), green.GetForegroundOpacity()) == (a_volume_node.GetID(), 0.9)
    assert green.GetAttributeNames() == ()


def test_map_removed_while_on(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_display: Any
) -> None:
    before = xml_of(a_scene, *three_views, a_display)
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    a_scene.RemoveNode(a_written_result.uncertainty_maps[0])
    assert shown_map(a_scene) is None
    assert is_changed(a_scene)
    hide_overlay(a_scene)
    assert not is_changed(a_scene)
    assert xml_of(a_scene, *three_views, a_display) == before
    assert nodes_of_class(a_scene, COLOR_LEGEND) == []


def test_view_segmentation_and_volumes_removed_while_on(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult
) -> None:
    red, green, _ = three_views
    before = xml_of(a_scene, green)
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    foreground = a_scene.GetNodeByID(red.GetNodeReferenceID("MedCLIPSeg.ForegroundBefore"))
    a_scene.RemoveNode(three_views[2])
    a_scene.RemoveNode(a_written_result.segmentation)
    a_scene.RemoveNode(foreground)
    hide_overlay(a_scene)
    assert xml_of(a_scene, green) == before
    assert red.GetForegroundVolumeID() is None
    assert red.GetForegroundOpacity() == 1 / 3


def test_closing_the_scene_forgets_the_overlay(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_volume: Volume
) -> None:
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    a_scene.Clear(False)
    assert shown_map(a_scene) is None
    fresh = add_volume_node(a_scene, a_volume)
    for view in three_views:
        view.SetForegroundVolumeID(fresh.GetID())
        view.SetForegroundOpacity(0.25)
    hide_overlay(a_scene)
    assert [(view.GetForegroundVolumeID(), view.GetForegroundOpacity()) for view in three_views] == [
        (fresh.GetID(), 0.25)
    ] * 3


def test_legend_of_the_user_stays(a_scene: Any, three_views: list[Any], a_written_result: SceneResult) -> None:
    shown = a_written_result.uncertainty_maps[0]
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(shown)
    legend.SetTitleText("mine")
    show_overlay(a_scene, shown, None)
    hide_overlay(a_scene)
    assert nodes_of_class(a_scene, COLOR_LEGEND) == [legend]
    assert legend.GetTitleText() == "mine"


def test_only_maps_can_be_shown(a_scene: Any, three_views: list[Any], a_volume_node: Any) -> None:
    before = scene_xml(a_scene)
    with pytest.raises(MedCLIPSegError, match="ct"):
        show_overlay(a_scene, a_volume_node, None)
    assert scene_xml(a_scene) == before


def test_overlay_stays_right_through_a_rerun(
    a_scene: Any,
    three_views: list[Any],
    a_written_result: SceneResult,
    a_volume_node: Any,
    a_display: Any,
    make_result: MakeResult,
    a_result: SegmentationResult,
) -> None:
    before = scene_xml(a_scene)
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    write_result(a_scene, a_volume_node, a_result, a_written_result.segmentation)
    assert shown_map(a_scene) is a_written_result.uncertainty_maps[0]
    assert not a_display.GetVisibility2DFill()
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before
