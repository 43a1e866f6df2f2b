"""The choice of contours, and how large a thing would be."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
from review_samples import Reviewed, addImage, addResults


@pytest.fixture
def a_review(a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget)


def contours(slicer: ModuleType) -> list[Any]:
    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    return [node for node in nodes if node.GetAttribute("MedCLIPSeg.Contours")]


def click(reviewed: Reviewed) -> None:
    reviewed.widget.ui.contoursCheckBox.click()
    pythonqt.processEvents(100)


def test_click_shows_them_with_sizes_and_hides_them(a_slicer: ModuleType, a_review: Reviewed) -> None:
    label = a_review.widget.ui.contoursLabel
    click(a_review)
    assert len(contours(a_slicer)) == 1
    assert label.text == "Size: 0 ml at 95%, 0.12 ml at 75%, 0.24 ml at 50%, 0.24 ml at 25%, 0.24 ml at 5%."
    click(a_review)
    assert contours(a_slicer) == []
    assert not label.isVisible()


def test_they_follow_the_row_and_the_map(a_slicer: ModuleType, a_review: Reviewed) -> None:
    click(a_review)
    [first] = contours(a_slicer)
    a_review.widget.logic.changed()
    pythonqt.processEvents(50)
    assert contours(a_slicer) == [first]  # not made again
    a_review.widget.logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    [second] = contours(a_slicer)
    assert second is not first
    a_review.widget.logic.parameters.currentRow = -1
    pythonqt.processEvents(50)
    assert contours(a_slicer) == []
    assert not a_review.widget.ui.contoursCheckBox.enabled


def test_choice_comes_back_with_the_scene(a_slicer: ModuleType, a_review: Reviewed, tmp_path: Path) -> None:
    click(a_review)
    assert a_slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(50)
    assert contours(a_slicer) == []
    a_slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    pythonqt.processEvents(100)
    assert a_review.widget.ui.contoursCheckBox.checked
    assert len(contours(a_slicer)) == 1
    assert len(a_slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == 2


def test_they_stay_in_other_modules_and_go_with_the_panel(a_slicer: ModuleType, a_review: Reviewed) -> None:
    click(a_review)
    a_slicer.util.selectModule("Volumes")
    assert len(contours(a_slicer)) == 1
    a_review.widget.cleanup()
    assert contours(a_slicer) == []


def test_sizes_of_a_picture_are_pixels(a_module_widget: Any) -> None:
    node = addImage("photo", (1, 20, 24))
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    click(addResults(a_module_widget, ("mole",), node))
    assert "60 pixels at 75%" in a_module_widget.ui.contoursLabel.text
