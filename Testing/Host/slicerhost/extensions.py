"""``slicer.app.extensionsManagerModel()``."""

from __future__ import annotations


class ExtensionsManagerModel:
    """Records what is asked of the extension manager.

    `installs` holds the names that were asked for; `canInstall` is the answer.
    """

    def __init__(self) -> None:
        self.installs: list[str] = []
        self.installed: set[str] = set()
        self.canInstall = True

    def isExtensionInstalled(self, name: str) -> bool:
        return name in self.installed

    def installExtensionFromServer(
        self, name: str, restart: bool = True, update: bool = False, waitForCompletion: bool = True
    ) -> bool:
        self.installs.append(name)
        if self.canInstall:
            self.installed.add(name)
        return self.canInstall
