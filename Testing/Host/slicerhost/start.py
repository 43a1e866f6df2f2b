"""Starts the host, opens modules, and brings everything back to the beginning."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pythonqt
import slicer
from PySide6.QtCore import QEvent

from slicerhost import dialogs, namespaces, packaging, pytorch_utils, sample_data
from slicerhost.application import qSlicerApplication
from slicerhost.host_scene import HostScene
from slicerhost.main_window import qSlicerMainWindow
from slicerhost.module_widget import qSlicerScriptedLoadableModule
from slicerhost.native_libraries import loadTritonFirst

REPOSITORY = Path(__file__).resolve().parents[3]
_PRODUCT = ("MedCLIPSegLib", "MedCLIPSegLogic")


@dataclass
class _Session:
    """What lives as long as the process."""

    application: qSlicerApplication
    hostScene: HostScene
    mainWindow: qSlicerMainWindow | None = None
    modules: dict[str, qSlicerScriptedLoadableModule] = field(default_factory=dict)
    shownModule: str = ""
    productModules: dict[str, ModuleType] = field(default_factory=dict)


_session: _Session | None = None


def startApplication(mainWindow: bool = True) -> Any:
    """Start the host, or change whether it has a main window; return ``slicer.app``."""
    global _session
    if str(REPOSITORY) not in sys.path:
        sys.path.append(str(REPOSITORY))
    pythonqt.noteLostErrors()
    if _session is None:
        loadTritonFirst()
        pythonqt.keepNoneAlive()
        application = qSlicerApplication()
        pythonqt.install()
        pythonqt.expose(qSlicerApplication, slicer)
        namespaces.exposeClasses()
        hostScene = HostScene()
        application.hostSetScene(hostScene)
        _session = _Session(application, hostScene)
        namespaces.put(pythonqt.wrap(application), hostScene)
    if mainWindow and _session.mainWindow is None:
        window = qSlicerMainWindow(_session.hostScene)
        window.moduleSelector().moduleSelected.connect(_onModuleSelected)
        window.show()
        _session.mainWindow = window
        _session.application.hostSetLayoutManager(window.layoutManager())
    elif not mainWindow and _session.mainWindow is not None:
        _closeMainWindow(_session)
    return slicer.app


def loadModule(name: str, enter: bool = False, folder: Path | None = None) -> Any:
    """Load a scripted module and open its panel; return the panel's Python half.

    Args:
        name: of the module and its file.
        enter: show it too, which calls ``enter()``.
        folder: where the file lies; the folder of that name in this repository when None.
    """
    session = _started()
    if name not in session.modules:
        place = folder if folder is not None else REPOSITORY / name
        if str(place) not in sys.path:
            sys.path.append(str(place))
        module = qSlicerScriptedLoadableModule(name, place / f"{name}.py")
        session.modules[name] = module
        session.application.moduleManager().modules[name] = module
        setattr(slicer.modules, name.lower(), module)
        module.load()
        session.application.startupCompleted.emit()
    widget = session.modules[name].widgetRepresentation()
    if enter:
        _show(session, name)
    return widget.self()


def openedModule() -> str:
    """Name of the module that is shown, or empty."""
    return _session.shownModule if _session is not None else ""


def renderViews() -> None:
    """Draw the slice views of the main window."""
    session = _started()
    if session.mainWindow is not None:
        session.mainWindow.layoutManager().hostRenderAll()


def resetApplication() -> None:
    """Unload modules, empty the scene and forget settings, dialogs and whatever else a test may leave behind."""
    session = _started()
    _show(session, "")
    for name, module in list(session.modules.items()):
        session.application.moduleManager().unload(name)
        module.close()
        for attribute in (name.lower(), name + "Widget"):
            if hasattr(slicer.modules, attribute):
                delattr(slicer.modules, attribute)
        sys.modules.pop(name, None)
    session.modules.clear()
    qSlicerApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    session.hostScene.clear()
    if session.mainWindow is not None:
        session.mainWindow.layoutManager().hostResetViews()
    session.application.hostReset()
    dialogs.reset()
    packaging.reset()
    pytorch_utils.takeOut()
    sample_data.sources.clear()
    namespaces.setPackagingPresent(True)
    _restoreProduct(session)


def _started() -> _Session:
    if _session is None:
        raise RuntimeError("call startApplication() first")
    return _session


def _onModuleSelected(name: str) -> None:
    _show(_started(), name)


def _show(session: _Session, name: str) -> None:
    """Leave the shown module and enter another; none for an empty name."""
    if name == session.shownModule:
        return
    before = session.modules.get(session.shownModule)
    session.shownModule = name
    if before is not None and before.hasWidget():
        pythonqt.unwrap(before.widgetRepresentation()).exit()
    module = session.modules.get(name)
    widget = pythonqt.unwrap(module.widgetRepresentation()) if module is not None else None
    if session.mainWindow is not None:
        session.mainWindow.hostShowModule(module.title if module is not None else name, widget)
        session.mainWindow.moduleSelector().selectModule(name)
    if widget is not None:
        widget.enter()


def _closeMainWindow(session: _Session) -> None:
    window, session.mainWindow = session.mainWindow, None
    assert window is not None
    _show(session, "")
    for module in session.modules.values():
        if module.hasWidget():  # modules outlive the window
            pythonqt.unwrap(module.widgetRepresentation()).setParent(None)
    session.application.hostSetLayoutManager(None)
    window.layoutManager().hostClose()
    window.hide()
    window.deleteLater()
    qSlicerApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def _restoreProduct(session: _Session) -> None:
    """Let tests go on with the classes they imported, also after a test has reloaded the module."""
    loaded = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in _PRODUCT}
    for name, module in loaded.items():
        session.productModules.setdefault(name, module)
    sys.modules.update(session.productModules)
