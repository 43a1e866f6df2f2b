"""Points that a person clicks in a slice view, by the application's own way to place markups."""

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.widgets import oneShot

Points = list[tuple[float, float, float]]
NODE_CLASSES = {1: "vtkMRMLMarkupsFiducialNode", 2: "vtkMRMLMarkupsLineNode"}


class PlaceInView:
    """One placement at a time; the markup goes away when it is done or given up (right click, `stop`).

    Args:
        done: called with R, A and S of the points in mm when all were clicked, and with none when it was given up.
    """

    def __init__(self, done: Callable[[Points], None]) -> None:
        self._done = done
        self._node: Any = None
        self._count = 0
        self._observed: list[tuple[Any, int]] = []
        # The application still works on the markup while it tells of a click.
        self._timer = oneShot(self._look)

    @property
    def isWaiting(self) -> bool:
        """True until the points were clicked."""
        return self._node is not None

    def start(self, count: int) -> None:
        """Wait for one click, or for two: opposite corners of a box."""
        self.stop()
        self._count = count
        self._node = slicer.mrmlScene.AddNewNodeByClass(NODE_CLASSES[count], _("Place of the prompt"))
        self._node.SetSaveWithScene(False)
        self._node.CreateDefaultDisplayNodes()
        self._observe(self._node, self._node.PointPositionDefinedEvent)
        self._observe(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent)
        markups = slicer.modules.markups.logic()
        markups.SetActiveListID(self._node)
        markups.StartPlaceMode(False)
        self._observe(_interaction(), slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent)

    def stop(self) -> None:
        """Give up; does nothing when nobody is asked to click."""
        if self._node is not None:
            self._end([])

    def _observe(self, target: Any, event: int) -> None:
        self._observed.append((target, target.AddObserver(event, lambda _caller, _event: self._timer.start())))

    def _look(self) -> None:
        """See whether all points are there, or the application places no more."""
        if self._node is None:
            return
        if self._node.GetScene() is None:  # the scene was closed
            self._end([])
        elif self._node.GetNumberOfDefinedControlPoints() >= self._count:
            self._end([self._point(number) for number in range(self._count)])
        elif _interaction().GetCurrentInteractionMode() != slicer.vtkMRMLInteractionNode.Place:
            self._end([])

    def _point(self, number: int) -> tuple[float, float, float]:
        point = [0.0, 0.0, 0.0]
        self._node.GetNthControlPointPositionWorld(number, point)
        return (point[0], point[1], point[2])

    def _end(self, points: Points) -> None:
        self._timer.stop()
        for target, tag in self._observed:
            target.RemoveObserver(tag)
        self._observed.clear()
        node, self._node = self._node, None
        if _interaction().GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place:
            _interaction().SwitchToViewTransformMode()
        for each in (node.GetDisplayNode(), node):
            if each is not None and each.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(each)
        self._done(points)


def _interaction() -> Any:
    return slicer.app.applicationLogic().GetInteractionNode()
