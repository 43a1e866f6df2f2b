"""``slicer.app.extensionsManagerModel()``."""

from __future__ import annotations

from slicerhost import dialogs


class ExtensionsManagerModel:
    """Records what is asked of the extension manager.

    `installs` holds the names that were asked for; `canInstall` is the answer.
    """

    def __init__(self) -> None:
        self.installs: list[str] = []
        self.installed: set[str] = set()
        self.canInstall = True
        self.interactive = True

    def isExtensionInstalled(self, name: str) -> bool:
        return name in self.installed

    def installExtensionFromServer(
        self, name: str, restart: bool = True, update: bool = False, waitForCompletion: bool = True
    ) -> bool:
        """Install; False when that fails, and also when the person, who is asked if interactive, declines."""
        import qt

        if self.interactive:
            buttons = qt.QMessageBox.Yes | qt.QMessageBox.No
            question = f"Do you want to install '{name}' now?"
            if dialogs.messageBox(question, standardButtons=buttons) != qt.QMessageBox.Yes:
                return False
        self.installs.append(name)
        if self.canInstall:
            self.installed.add(name)
        return self.canInstall
