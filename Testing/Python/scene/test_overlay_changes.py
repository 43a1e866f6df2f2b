"""The overlay while other things change: settings of the user, legends, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slicer
from composite_nodes import is_changed
from scene_xml import scene_xml, xml_of

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.inference.result import MAX_ENTROPY
from MedCLIPSegLogic.scene.export import save_scene
from MedCLIPSegLogic.scene.nodes import nodes_of_class
from MedCLIPSegLogic.scene.overlay import hide_overlay, show_overlay
from MedCLIPSegLogic.scene.result_writer import SceneResult

COLOR_LEGEND = "vtkMRMLColorLegendDisplayNode"


@pytest.mark.parametrize("shown_first", [0, 1, 2])
def test_changes_of_the_user_while_it_is_on_do_not_stay(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_display: Any, shown_first: int
) -> None:
    before = scene_xml(a_scene)
    maps = (a_written_result.uncertainty_maps, a_written_result.probability_maps)
    show_overlay(a_scene, maps[0][shown_first], a_written_result.segmentation, 0.6)
    red, green, yellow = three_views
    red.SetForegroundOpacity(0.9)
    green.SetForegroundVolumeID(maps[1][shown_first].GetID())
    green.SetCompositing(green.Subtract)
    yellow.SetForegroundVolumeID(None)
    a_display.SetVisibility2DFill(True)
    a_display.SetOpacity2DOutline(0.2)
    [legend] = nodes_of_class(a_scene, COLOR_LEGEND)
    legend.SetTitleText("changed")
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before


def test_settings_next_to_the_overlay_stay_as_the_user_left_them(
    a_scene: Any, three_views: list[Any], a_volume_node: Any, a_written_result: SceneResult, a_display: Any
) -> None:
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    green, yellow = three_views[1:]
    yellow.SetBackgroundVolumeID(a_volume_node.GetID())
    green.SetLabelOpacity(0.3)
    a_display.SetOpacity2DFill(0.9)
    hide_overlay(a_scene)
    assert yellow.GetBackgroundVolumeID() == a_volume_node.GetID()
    assert green.GetLabelOpacity() == 0.3
    assert a_display.GetOpacity2DFill() == 0.9


def test_minimum_cuts_the_map_from_below_only(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_display: Any
) -> None:
    shown = a_written_result.uncertainty_maps[0]
    own = shown.GetDisplayNode().GetLowerThreshold()
    others = scene_xml(a_scene)
    show_overlay(a_scene, shown, a_written_result.segmentation)
    assert shown.GetDisplayNode().GetLowerThreshold() == own
    for minimum in (0.3, 0.0, 0.69):
        show_overlay(a_scene, shown, a_written_result.segmentation, minimum=minimum)
        assert shown.GetDisplayNode().GetLowerThreshold() == minimum
        assert shown.GetDisplayNode().GetUpperThreshold() > MAX_ENTROPY
        assert shown.GetDisplayNode().GetApplyThreshold()
    hide_overlay(a_scene)
    after = scene_xml(a_scene)
    changed = shown.GetDisplayNodeID()
    assert after.pop(changed) != others.pop(changed)
    assert after == others


def test_range_is_fixed_again(a_scene: Any, three_views: list[Any], a_written_result: SceneResult) -> None:
    shown = a_written_result.uncertainty_maps[0]
    display = shown.GetDisplayNode()
    display.AutoWindowLevelOn()
    display.SetWindowLevelMinMax(0.2, 0.3)
    show_overlay(a_scene, shown)
    assert not display.GetAutoWindowLevel()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((0, MAX_ENTROPY))


def test_map_whose_display_was_lost_can_be_shown(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult
) -> None:
    shown = a_written_result.uncertainty_maps[0]
    a_scene.RemoveNode(shown.GetDisplayNode())
    show_overlay(a_scene, shown)
    assert shown.GetDisplayNode().GetWindowLevelMax() == pytest.approx(MAX_ENTROPY)
    assert [legend.GetPrimaryDisplayNode() for legend in nodes_of_class(a_scene, COLOR_LEGEND)] == [
        shown.GetDisplayNode()
    ]


def test_fill_stays_when_asked(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_display: Any
) -> None:
    before = xml_of(a_scene, a_display)
    shown, segmentation = a_written_result.uncertainty_maps[0], a_written_result.segmentation
    show_overlay(a_scene, shown, segmentation, outlines_only=False)
    assert xml_of(a_scene, a_display) == before
    show_overlay(a_scene, shown, segmentation)
    assert not a_display.GetVisibility2DFill()
    show_overlay(a_scene, shown, segmentation, outlines_only=False)
    assert xml_of(a_scene, a_display) == before


def test_legend_the_user_hid_is_shown_and_hidden_again(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult
) -> None:
    first, second = a_written_result.uncertainty_maps[:2]
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(first)
    legend.SetVisibility(False)
    before = scene_xml(a_scene)
    show_overlay(a_scene, first)
    show_overlay(a_scene, first, opacity=0.7)
    assert legend.GetVisibility()
    assert nodes_of_class(a_scene, COLOR_LEGEND) == [legend]
    show_overlay(a_scene, second)
    assert not legend.GetVisibility()
    assert len(nodes_of_class(a_scene, COLOR_LEGEND)) == 2
    show_overlay(a_scene, first)
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before


def test_outlines_chosen_in_the_panel_come_back(
    a_scene: Any, three_views: list[Any], a_written_result: SceneResult, a_display: Any
) -> None:
    a_display.SetVisibility2DFill(False)
    a_display.SetVisibility2DOutline(True)
    before = scene_xml(a_scene)
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    hide_overlay(a_scene)
    assert scene_xml(a_scene) == before


def test_saved_while_shown_hidden_after_loading(
    a_scene: Any,
    three_views: list[Any],
    a_written_result: SceneResult,
    a_display: Any,
    tmp_path: Path,
) -> None:
    # One legend of the map that is shown was there before, and was hidden.
    hidden = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(a_written_result.uncertainty_maps[1])
    hidden.SetVisibility(False)
    save_scene(a_scene, tmp_path / "plain.mrb")
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    show_overlay(a_scene, a_written_result.uncertainty_maps[1], a_written_result.segmentation)
    save_scene(a_scene, tmp_path / "shown.mrb")

    plain, shown = create_scene(), create_scene()
    assert plain.scene.ReadFromMRB(str(tmp_path / "plain.mrb"), True)
    assert shown.scene.ReadFromMRB(str(tmp_path / "shown.mrb"), True)
    assert is_changed(shown.scene)
    assert scene_xml(shown.scene).keys() == scene_xml(plain.scene).keys()
    hide_overlay(shown.scene)
    watched = [
        "vtkMRMLSliceCompositeNode",
        "vtkMRMLSegmentationDisplayNode",
        COLOR_LEGEND,
    ]
    for class_name in watched:
        expected = xml_of(plain.scene, *nodes_of_class(plain.scene, class_name))
        assert xml_of(shown.scene, *nodes_of_class(shown.scene, class_name)) == expected != []
