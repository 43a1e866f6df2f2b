"""Puts the application's names into ``slicer`` and the import system."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pythonqt
import slicer

from slicerhost import dialogs, i18n, packaging, parameternode, sample_data, scripted_module
from slicerhost.module_manager import BuiltInModule
from slicerhost.module_widget import qSlicerScriptedLoadableModule, qSlicerScriptedLoadableModuleWidget

_SUBMODULES: dict[str, ModuleType] = {
    "slicer.i18n": i18n,
    "slicer.packaging": packaging,
    "slicer.parameterNodeWrapper": parameternode,
    "slicer.ScriptedLoadableModule": scripted_module,
}
_MODULE_NAMES = {
    "volumes": "Volumes",
    "segmentations": "Segmentations",
    "subjecthierarchy": "SubjectHierarchy",
    "colors": "Colors",
    "terminologies": "Terminologies",
    "markups": "Markups",
    "segmenteditor": "SegmentEditor",
}


def put(application: Any, hostScene: Any) -> None:
    """Make ``import slicer`` look like inside the application.

    Args:
        application: the wrapped application object.
        hostScene: scene and logics.
    """
    for name, module in _SUBMODULES.items():
        sys.modules[name] = module
        setattr(slicer, name.partition(".")[2], module)
    sys.modules["SampleData"] = sample_data
    slicer.app = application
    slicer.mrmlScene = hostScene.scene
    slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
    slicer.util = importlib.import_module("slicer.util")
    slicer.util.messageBox = dialogs.messageBox
    slicer.modules = SimpleNamespace()
    manager = pythonqt.unwrap(application).moduleManager()
    for key, logic in hostScene.logics.items():
        builtIn = BuiltInModule(_MODULE_NAMES[key], logic)
        setattr(slicer.modules, key, builtIn)
        manager.modules[builtIn.name] = builtIn


def exposeClasses() -> None:
    """Show the host's Qt classes to product code the way PythonQt would."""
    from slicerhost.layout_manager import qMRMLLayoutManager
    from slicerhost.main_window import qSlicerMainWindow, qSlicerModuleSelectorToolBar
    from slicerhost.node_combo_box import qMRMLNodeComboBox, qMRMLSortFilterProxyModel
    from slicerhost.qmrml_widget import qMRMLWidget
    from slicerhost.segment_editor import qMRMLSegmentEditorWidget, qSlicerSegmentEditorEffect
    from slicerhost.slice_view import qMRMLSliceView, qMRMLSliceWidget

    for kind in (
        qMRMLWidget,
        qMRMLNodeComboBox,
        qMRMLSortFilterProxyModel,
        qMRMLSegmentEditorWidget,
        qSlicerSegmentEditorEffect,
        qSlicerScriptedLoadableModuleWidget,
        qSlicerModuleSelectorToolBar,
        qSlicerMainWindow,
        qMRMLLayoutManager,
        qMRMLSliceView,
        qMRMLSliceWidget,
    ):
        pythonqt.expose(kind, slicer)


def _pipInstall(requirements: Any, **options: Any) -> None:
    """What ``slicer.util.pip_install`` does from 5.11 on."""
    slicer.packaging.pip_install(requirements, **options)


def setPackagingPresent(isPresent: bool) -> None:
    """Let ``slicer.packaging`` be there (5.11 and later) or not (5.10)."""
    if isPresent:
        sys.modules["slicer.packaging"] = packaging
        slicer.packaging = packaging
        slicer.util.pip_install = _pipInstall
    else:
        slicer.util.pip_install = packaging.pip_install  # in 5.10 it needs nothing else
        # None makes the import system raise ModuleNotFoundError.
        sys.modules["slicer.packaging"] = None  # type: ignore[assignment]
        if hasattr(slicer, "packaging"):
            del slicer.packaging
