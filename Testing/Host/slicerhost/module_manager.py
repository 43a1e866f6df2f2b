"""Modules: ``slicer.modules``, ``slicer.app.moduleManager()`` and what they hand out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class BuiltInModule:
    """A module of the application of which only the logic is there."""

    def __init__(self, name: str, logic: Any) -> None:
        self.name = name
        self.title = name
        self._logic = logic

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> Any:
        """Nothing: these modules have no panel here."""
        return None


class ModuleManager:
    """Knows the modules by name."""

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}
        self._unloading: list[Any] = []

    def module(self, name: str) -> Any:
        return self.modules.get(name)

    def factoryManager(self) -> SimpleNamespace:
        return SimpleNamespace(loadedModuleNames=lambda: tuple(self.modules))

    def connect(self, signal: str, slot: Any) -> bool:
        """Know ``moduleAboutToBeUnloaded(QString)``."""
        if signal != "moduleAboutToBeUnloaded(QString)":
            return False
        self._unloading.append(slot)
        return True

    def disconnect(self, signal: str, slot: Any) -> bool:
        if slot not in self._unloading:
            return False
        self._unloading.remove(slot)
        return True

    def unload(self, name: str) -> None:
        """Forget a module, telling it first."""
        for slot in list(self._unloading):
            slot(name)
        self.modules.pop(name, None)
