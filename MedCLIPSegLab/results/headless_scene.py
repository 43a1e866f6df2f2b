"""A scene for scripts and the command line, without the application."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import slicer
import vtk


@dataclass(frozen=True, eq=False)
class HeadlessScene:
    """A scene and what must live as long as it does.

    Args:
        scene: vtkMRMLScene.
        application_logic: vtkSlicerApplicationLogic of the scene; slice views need it.
        module_logics: logics by module name; they registered their node classes with the scene.
    """

    scene: slicer.vtkMRMLScene
    application_logic: slicer.vtkSlicerApplicationLogic
    module_logics: dict[str, Any]
    _kept_alive: tuple[Any, ...] = field(default=(), repr=False)


def create_scene() -> HeadlessScene:
    """Return an empty scene that knows volumes, segmentations, colors, legends and the subject hierarchy.

    Several may live side by side. For use outside the application, which has its own scene.
    """
    scene = slicer.vtkMRMLScene()
    folder = tempfile.TemporaryDirectory(prefix="medclipseg-scene-")
    # Scene bundles are packed and unpacked in the cache folder.
    cache = slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(str(Path(folder.name) / "cache"))
    data_io = slicer.vtkDataIOManager()
    data_io.SetCacheManager(cache)
    scene.SetCacheManager(cache)
    scene.SetDataIOManager(data_io)

    application = slicer.vtkSlicerApplicationLogic()
    # The color logic complains when it finds no folder for its files; an empty one will do.
    (Path(folder.name) / "share" / "ColorFiles").mkdir(parents=True)
    application.SetHomeDirectory(folder.name)
    application.SetShareDirectory("share")
    application.SetMRMLScene(scene)
    application.SetSliceLogics(vtk.vtkCollection())
    application.SetViewLogics(vtk.vtkCollection())
    colors = application.GetColorLogic()
    colors.SetMRMLApplicationLogic(application)
    colors.SetMRMLScene(scene)
    colors.AddDefaultColorNodes()
    logics = {}
    for name, logic_class in (
        ("Volumes", slicer.vtkSlicerVolumesLogic),
        ("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic),
        ("SubjectHierarchy", slicer.vtkSlicerSubjectHierarchyModuleLogic),
        ("Colors", slicer.vtkSlicerColorLogic),
    ):
        logic = logic_class()
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)
        application.SetModuleLogic(name, logic)
        logics[name] = logic
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return HeadlessScene(scene, application, logics, (cache, data_io, folder))
