"""Runs that cannot start, fail, or would overwrite someone's work; and the module without its panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer
import slicerhost
from review_samples import Reviewed, addImage, addResults, paint
from slicerhost import dialogs
from slicerhost.fixtures import Pump

from MedCLIPSegLogic.errors import MedCLIPSegError


@pytest.fixture
def said(a_module_widget: Any) -> list[str]:
    lines: list[str] = []
    a_module_widget.logic.said.connect(lines.append)
    return lines


@pytest.fixture
def a_review(a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget, ("liver",))


def run(widget: Any, pump: Pump) -> None:
    widget.logic.run([row.rowId for row in widget.logic.rows])
    pump(lambda: not widget.logic.isRunning, 60)
    pythonqt.processEvents(30)


def useSteps(widget: Any, steps: Callable[[Any], Iterator[Any]]) -> None:
    """Let something else than the engine work."""
    widget.logic.runControl._events = steps


def test_without_an_image(a_module_widget: Any, said: list[str], pump: Pump) -> None:
    a_module_widget.logic.rows.add(["liver"])
    run(a_module_widget, pump)
    assert said == ["There is no image yet; load one and choose it in Input."]


def test_a_model_that_is_gone(a_module_widget: Any, pump: Pump) -> None:
    addImage()
    a_module_widget.logic.rows.add(["liver"])
    a_module_widget.logic.parameters.model = "/no/such/model"
    run(a_module_widget, pump)
    assert a_module_widget.ui.statusLabel.text.startswith("There is no model '/no/such/model'")
    assert a_module_widget.logic.stateOf(a_module_widget.logic.rows[0]) == "failed"
    assert a_module_widget.ui.runButton.text == "Segment all prompts"
    a_module_widget.logic.parameters.model = "mini"
    a_module_widget.logic.parameters.sampleCount = 1
    run(a_module_widget, pump)
    assert a_module_widget.logic.stateOf(a_module_widget.logic.rows[0]) in ("done", "empty")


def test_an_error_of_the_engine_leaves_the_scene_alone(a_review: Reviewed, pump: Pump) -> None:
    for error, text in [
        (MedCLIPSegError("There is too little memory."), "There is too little memory."),
        (RuntimeError("shape mismatch"), "shape mismatch"),
        (ValueError(), "ValueError"),
    ]:

        def steps(_order: Any, error: Exception = error) -> Iterator[Any]:
            yield from ()
            raise error

        mask, count = a_review.mask(), slicer.mrmlScene.GetNumberOfNodes()
        useSteps(a_review.widget, steps)
        run(a_review.widget, pump)
        assert a_review.widget.ui.statusLabel.text == text
        assert a_review.state() == "failed"
        np.testing.assert_array_equal(a_review.mask(), mask)
        assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_an_engine_without_a_result_says_so(a_review: Reviewed, pump: Pump) -> None:
    useSteps(a_review.widget, lambda _order: iter(()))
    run(a_review.widget, pump)
    assert a_review.widget.ui.statusLabel.text == "The run ended without a result."


def test_an_image_that_changed_gets_no_result(a_module_widget: Any, pump: Pump) -> None:
    node = addImage()
    a_module_widget.logic.parameters.sampleCount = 1
    a_module_widget.logic.rows.add(["liver"])
    a_module_widget.logic.run([a_module_widget.logic.rows[0].rowId])
    node.SetSpacing(2, 2, 2)
    pump(lambda: not a_module_widget.logic.isRunning, 60)
    pythonqt.processEvents(30)
    assert "run again" in a_module_widget.ui.statusLabel.text
    assert a_module_widget.logic.stateOf(a_module_widget.logic.rows[0]) == "failed"
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []


def test_an_edited_segment_is_asked_about_and_stays(a_review: Reviewed, said: list[str], pump: Pump) -> None:
    import qt

    paint(a_review)
    edited = a_review.mask()
    dialogs.answerNext(qt.QMessageBox.Cancel)
    run(a_review.widget, pump)
    assert "You have edited “liver”. Your version is kept" in dialogs.texts()[0]
    assert said[-1] == "Nothing was changed."
    assert a_review.segmentation.GetSegmentation().GetNumberOfSegments() == 1
    dialogs.answerNext(qt.QMessageBox.Ok)
    a_review.widget.logic.parameters.sampleCount = 1
    run(a_review.widget, pump)
    assert a_review.segmentation.GetSegmentation().GetNumberOfSegments() == 2
    np.testing.assert_array_equal(a_review.mask(), edited)
    assert a_review.widget.logic.segmentOf(a_review.widget.logic.rows[0]) != a_review.segmentIds[0]


def test_the_test_of_the_module_passes(a_slicer: ModuleType) -> None:
    slicerhost.loadModule("MedCLIPSeg")
    import MedCLIPSeg

    MedCLIPSeg.MedCLIPSegTest().runTest()
