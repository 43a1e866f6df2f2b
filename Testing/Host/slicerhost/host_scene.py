"""The application's scene and the logics of the built-in modules."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from MedCLIPSegLab.results.headless_scene import create_scene


class HostScene:
    """A scene with what the application adds to it."""

    def __init__(self) -> None:
        self._session = create_scene()
        self.scene = self._session.scene
        self.applicationLogic = self._session.application_logic
        self.logics: dict[str, Any] = {name.lower(): logic for name, logic in self._session.module_logics.items()}
        for name, logicClass in (
            ("Terminologies", slicer.vtkSlicerTerminologiesModuleLogic),
            ("Markups", slicer.vtkSlicerMarkupsLogic),
            ("SegmentEditor", slicer.vtkSlicerSegmentEditorLogic),
        ):
            self._add(name, logicClass())

    def clear(self) -> None:
        """Empty the scene; views and their nodes stay, all else goes, parameter nodes too."""
        self.scene.Clear(0)
        for className in ("vtkMRMLScriptedModuleNode", "vtkMRMLSegmentEditorNode"):
            nodes = self.scene.GetNodesByClass(className)
            nodes.UnRegister(None)
            for node in [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]:
                self.scene.RemoveNode(node)

    def _add(self, name: str, logic: Any) -> None:
        # The terminologies' files are not there, and the logic says so six times.
        vtk.vtkObject.GlobalWarningDisplayOff()
        logic.SetMRMLApplicationLogic(self.applicationLogic)
        logic.SetMRMLScene(self.scene)
        vtk.vtkObject.GlobalWarningDisplayOn()
        self.applicationLogic.SetModuleLogic(name, logic)
        self.logics[name.lower()] = logic
