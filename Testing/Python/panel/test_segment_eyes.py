"""What is shown of segments, from the table of prompts: the eye of each, and all in 3D."""

from __future__ import annotations

from typing import Any

import pytest
import pythonqt
from prompt_keys import click
from review_samples import Reviewed, addResults

from MedCLIPSegLib.prompts.prompt_table import EYE


@pytest.fixture
def a_review(a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget)


def test_the_eye_hides_and_shows_the_segment(a_review: Reviewed) -> None:
    table, display = a_review.widget.ui.promptTable, a_review.segmentation.GetDisplayNode()

    def eye() -> Any:
        return pythonqt.unwrap(table).item(0, EYE).icon().pixmap(32).toImage()

    opened = eye()
    click(table, 0, EYE)
    assert not display.GetSegmentVisibility(a_review.segmentIds[0])
    assert display.GetSegmentVisibility(a_review.segmentIds[1])
    assert eye() != opened
    display.SetSegmentVisibility(a_review.segmentIds[0], True)  # as the segment editor does
    assert eye() == opened
    assert a_review.state() == "done"


def test_segments_are_shown_in_3d(a_review: Reviewed) -> None:
    ui, segmentation = a_review.widget.ui, a_review.segmentation.GetSegmentation()
    assert ui.showThreeDButton.enabled
    ui.showThreeDButton.click()
    assert segmentation.ContainsRepresentation("Closed surface")
    surface = a_review.segmentation.GetClosedSurfaceInternalRepresentation(a_review.segmentIds[0])
    assert surface.GetNumberOfPolys() > 0
    assert a_review.segmentation.GetDisplayNode().GetVisibility3D()
    ui.showThreeDButton.click()
    pythonqt.processEvents(30)
    assert not segmentation.ContainsRepresentation("Closed surface")
    assert not ui.showThreeDButton.checked
    assert a_review.state() == "done"
