"""``slicer.app``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pythonqt
from PySide6.QtCore import SIGNAL, Property, QSettings, Signal, Slot
from PySide6.QtWidgets import QApplication

from slicerhost.core_io import CoreIOManager
from slicerhost.extensions import ExtensionsManagerModel
from slicerhost.host_scene import HostScene
from slicerhost.module_manager import ModuleManager


class qSlicerApplication(QApplication):
    """The application object; one a process, as Qt wants it.

    What belongs to the session (scene, layout manager, module manager) is put in by `slicerhost.start`.
    """

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("slicer.org")
        self.setQuitOnLastWindowClosed(False)
        self._folder = tempfile.TemporaryDirectory(prefix="slicerhost-")
        # Settings made by either constructor of QSettings go to the same temporary file.
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, self._folder.name)
        self._hostScene: HostScene | None = None
        self._layoutManager: Any = None
        self._coreIOManager = CoreIOManager()
        self._extensions = ExtensionsManagerModel()
        self._moduleManager = ModuleManager()
        self._isTesting = False
        self._renderPauses = 0

    # The session

    def hostSetScene(self, hostScene: HostScene) -> None:
        """Work on a scene."""
        self._hostScene = hostScene
        self._coreIOManager.setScene(hostScene)

    def hostSetLayoutManager(self, layoutManager: Any) -> None:
        """Show slice views, or none (None)."""
        self._layoutManager = layoutManager

    def hostReset(self) -> None:
        """Forget settings, extensions and test mode."""
        QSettings().clear()
        QSettings().sync()
        self._extensions = ExtensionsManagerModel()
        self._isTesting = False
        self._renderPauses = 0
        if self.receivers(SIGNAL("startupCompleted()")) > 0:
            self.startupCompleted.disconnect()
        while QApplication.overrideCursor() is not None:
            QApplication.restoreOverrideCursor()

    # What the application offers

    def settings(self) -> QSettings:
        return QSettings()

    def userSettings(self) -> QSettings:
        return QSettings()

    def revisionUserSettings(self) -> QSettings:
        return QSettings()

    def layoutManager(self) -> Any:
        return self._layoutManager

    def applicationLogic(self) -> Any:
        return self._hostScene.applicationLogic if self._hostScene is not None else None

    def mrmlScene(self) -> Any:
        return self._hostScene.scene if self._hostScene is not None else None

    def coreIOManager(self) -> CoreIOManager:
        return self._coreIOManager

    def ioManager(self) -> CoreIOManager:
        return self._coreIOManager

    def moduleManager(self) -> ModuleManager:
        return self._moduleManager

    def extensionsManagerModel(self) -> ExtensionsManagerModel:
        return self._extensions

    def testingEnabled(self) -> bool:
        """False unless a test switches it on: dialogs are to be shown, and are then recorded."""
        return self._isTesting

    def setTestingEnabled(self, isTesting: bool) -> None:
        self._isTesting = isTesting

    def processEvents(self, *_flagsAndTime: Any) -> None:  # type: ignore[override]
        """Turn Qt's event loop without giving Python's lock up, as the application does."""
        pythonqt.processEvents(0)

    def pauseRender(self) -> None:
        self._renderPauses += 1
        if self._layoutManager is not None:
            self._layoutManager.setRenderPaused(True)

    def resumeRender(self) -> None:
        self._renderPauses -= 1
        if self._renderPauses == 0 and self._layoutManager is not None:
            self._layoutManager.setRenderPaused(False)

    def isInstalled(self) -> bool:
        return True

    @Slot()
    def restart(self) -> None:
        """A host is never restarted."""

    def _temporaryPath(self) -> str:
        return str(Path(self._folder.name))

    temporaryPath = Property(str, _temporaryPath)
    slicerHome = Property(str, _temporaryPath)
    revision = Property(str, lambda self: "host")
    majorVersion = Property(int, lambda self: 5)
    minorVersion = Property(int, lambda self: 12)
