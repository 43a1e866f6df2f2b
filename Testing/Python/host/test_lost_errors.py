"""Exceptions that the application only prints fail the test in which they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import pythonqt
import qt
import vtk
from slicerhost import fixtures

MODIFIED = vtk.vtkCommand.ModifiedEvent


def raising(*_arguments: Any) -> None:
    raise KeyError("nobody sees me")


@vtk.calldata_type(vtk.VTK_STRING)
def wantingText(_caller: Any, _event: str, _text: str) -> None:
    """Takes what the event does not bring."""


def inObserver(slicer: Any, observer: Callable[..., None]) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    node.AddObserver(MODIFIED, observer)
    node.Modified()
    slicer.mrmlScene.RemoveNode(node)


def inSlot(_slicer: Any) -> None:
    button = qt.QPushButton("text")
    button.connect("clicked()", raising)
    button.click()


def whileTheSceneIsClosed(slicer: Any) -> None:
    slicer.mrmlScene.AddObserver(slicer.mrmlScene.EndCloseEvent, raising)


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (lambda slicer: inObserver(slicer, raising), "KeyError"),
        (lambda slicer: inObserver(slicer, wantingText), "TypeError"),
        (inSlot, "KeyError"),
        (whileTheSceneIsClosed, "KeyError"),
    ],
)
def test_what_is_only_printed_fails_the_test(
    work: Callable[[Any], None], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    test = fixtures._fresh(mainWindow=False)
    slicer = next(test)
    work(slicer)
    with pytest.raises(AssertionError, match=error):
        next(test)
    slicer.mrmlScene.RemoveObservers(slicer.mrmlScene.EndCloseEvent)
    assert error in capsys.readouterr().err
    pythonqt.lostErrors.clear()


def test_what_is_caught_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    test = fixtures._fresh(mainWindow=False)
    inObserver(next(test), lambda _caller, _event: None)
    assert next(test, "ended") == "ended"
    assert "Error" not in capsys.readouterr().err
