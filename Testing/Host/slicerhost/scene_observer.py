"""Observations of MRML objects that do not keep a widget alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
import vtk


class SceneObserver:
    """Calls methods of a widget on events; a widget that is gone, in Python or in C++, is left in peace.

    Args:
        widget: the QObject whose methods are called.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = weakref.ref(widget)
        self._tags: list[tuple[Any, int]] = []

    def observe(self, target: Any, event: int | str, method: Callable[..., None]) -> None:
        """Call ``method(data)`` on an event; data is the node of the event, or None."""
        name = method.__name__
        reference = self._widget

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def forward(_caller: Any, _event: Any, data: Any = None) -> None:
            widget = reference()
            if widget is not None and shiboken6.isValid(widget):
                getattr(widget, name)(data)

        def forwardPlain(_caller: Any, _event: Any) -> None:
            forward(None, None, None)

        hasNode = (
            event in (target.NodeAddedEvent, target.NodeAboutToBeRemovedEvent) if target.IsA("vtkMRMLScene") else 0
        )
        self._tags.append((target, target.AddObserver(event, forward if hasNode else forwardPlain)))

    def release(self, target: Any = None) -> None:
        """End the observations of an object, or all."""
        for observed, tag in list(self._tags):
            if target is None or observed is target:
                observed.RemoveObserver(tag)
                self._tags.remove((observed, tag))

    def __del__(self) -> None:
        self.release()
