"""Which plane is the automatic one, and three planes fused: what the panel says, and what it asks for."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer
from known_model import BRAIN, KNOWLEDGE, choose, knowingMini
from review_samples import addImage
from scenarios import waitUntil

from MedCLIPSegLib.run.order import orderOf
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.geometry import vtk_matrix

SHAPE = (6, 20, 24)
SAGITTAL = dataclasses.replace(
    KNOWLEDGE,
    kinds={
        BRAIN: dataclasses.replace(KNOWLEDGE.kinds[BRAIN], plane="sagittal", plane_weights=(0.2, 0.2, 0.6)),
    },
)


@pytest.fixture
def a_panel(a_module_widget: Any, tmp_path: Path) -> Any:
    """The panel with a volume and a model that does best in the sagittal plane."""
    a_module_widget.logic.parameters.inputVolume = addImage()
    choose(a_module_widget, knowingMini(tmp_path / "mini", SAGITTAL))
    waitUntil(lambda: a_module_widget.ui.threePlanesCheckBox.enabled, 60)
    return a_module_widget


def refreshed(widget: Any) -> Any:
    widget.logic.changed()
    pythonqt.processEvents(50)
    return widget.ui


def request(widget: Any, numbers: tuple[int, ...] = (0,)) -> Any:
    return orderOf(widget.logic, [widget.logic.rows[number] for number in numbers], "cpu").prepared.request


def test_the_automatic_plane_is_named_and_taken(a_panel: Any) -> None:
    logic, combo = a_panel.logic, a_panel.ui.planeComboBox
    assert (combo.itemText(0), logic.sliceAxis.name) == ("Automatic: axial", "axial")
    assert "Automatic: axial, as the image was acquired." in combo.toolTip
    logic.rows.add(["tumor"])
    refreshed(a_panel)
    assert (combo.itemText(0), logic.sliceAxis.name) == ("Automatic: sagittal", "sagittal")
    assert "Automatic: sagittal, in which this model does best with these prompts." in combo.toolTip
    asked = request(a_panel)
    assert (asked.plane, asked.plane_chosen_by, asked.slices) == ("sagittal", "knowledge", (0, SHAPE[2]))
    combo.currentIndex = combo.findData("coronal")
    refreshed(a_panel)
    assert (combo.itemText(0), request(a_panel).plane_chosen_by) == ("Automatic", "person")
    logic.parameters.plane = "auto"
    logic.volumeNode.SetIJKToRASMatrix(vtk_matrix(np.diag([1.0, 1.0, 3.0, 1.0])))
    refreshed(a_panel)
    assert combo.itemText(0) == "Automatic: axial"
    assert request(a_panel).plane_chosen_by == "acquisition"


def test_a_range_of_slices_is_not_taken_to_another_plane(a_panel: Any) -> None:
    logic = a_panel.logic
    logic.rows.add(["liver"])
    logic.rows.add(["tumor"])
    logic.parameters.scope, logic.parameters.firstSlice, logic.parameters.lastSlice = "range", 1, 3
    assert request(a_panel, (0, 1)).slices == (1, 4)
    with pytest.raises(MedCLIPSegError, match="in another plane than “liver” is segmented in; choose the plane too"):
        request(a_panel, (0,))


def test_three_planes_tell_their_cost_and_are_asked_for(a_panel: Any) -> None:
    logic, box = a_panel.logic, a_panel.ui.threePlanesCheckBox
    logic.rows.add(["tumor"])
    refreshed(a_panel)
    assert (box.text, box.checked) == ("Fuse three planes: 2.1 × the work", False)
    assert "50 slices instead of 24, at most 2.1 times the work." in box.toolTip
    assert box.sizeHint.width() <= 262  # a panel of 300 pixels shows it whole
    assert not request(a_panel).three_planes
    box.checked = True
    pythonqt.processEvents(50)
    asked = request(a_panel)
    assert (asked.three_planes, asked.plane_weights) == (True, (0.2, 0.2, 0.6))
    assert logic.parameters.threePlanes


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [
        ("model", "A method without training data works in one plane."),
        ("scope", "Planes are fused over the whole volume only; choose it above."),
        ("spacing", "The slices of this volume would be stripes in the chosen plane, or in both others."),
        ("picture", "A picture or a single slice has one plane only."),
        ("nothing", "Choose a volume first."),
    ],
)
def test_where_planes_cannot_be_fused_the_choice_is_off_and_says_why(a_panel: Any, obstacle: str, reason: str) -> None:
    logic, box = a_panel.logic, a_panel.ui.threePlanesCheckBox
    logic.parameters.threePlanes = True
    if obstacle == "model":
        logic.parameters.model = "medclip-sam"
    if obstacle == "scope":
        logic.parameters.scope = "slice"
    if obstacle == "spacing":
        logic.volumeNode.SetIJKToRASMatrix(vtk_matrix(np.diag([1.0, 1.0, 3.0, 1.0])))
    if obstacle == "picture":
        logic.parameters.inputVolume = addImage("one slice", (1, 20, 24))
    if obstacle == "nothing":
        slicer.mrmlScene.RemoveNode(logic.volumeNode)
    refreshed(a_panel)
    assert (box.enabled, box.checked, box.toolTip) == (False, False, reason)
    assert logic.parameters.threePlanes  # comes back with another image
    if obstacle in ("scope", "spacing", "picture"):
        logic.rows.add(["tumor"])
        assert not request(a_panel).three_planes
