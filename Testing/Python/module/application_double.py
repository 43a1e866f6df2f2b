"""The parts of the application that the headless MRML classes lack: module base classes and the parameter node."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_type_hints

import qt_double
import slicer


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent: Any = None) -> None:
        self.parent = parent or SimpleNamespace(isEntered=True)
        self.layout = SimpleNamespace(addWidget=lambda widget: None)
        self.reloads = 0

    def setup(self) -> None:
        pass

    def resourcePath(self, name: str) -> str:
        return str(Path(__file__).resolve().parents[3] / "MedCLIPSeg" / "Resources" / name)

    def onReload(self) -> None:
        self.reloads += 1


class ScriptedLoadableModuleLogic:
    """Finds its parameter node in the scene, as the application's does."""

    def getParameterNode(self) -> Any:
        node = slicer.mrmlScene.GetSingletonNode("MedCLIPSeg", "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag("MedCLIPSeg")
            slicer.mrmlScene.AddNode(node)
        return node


class ScriptedLoadableModuleTest:
    pass


def parameterNodeWrapper(cls: type) -> type:
    """Strings as parameters, everything else as node references, kept in the wrapped node."""

    class Wrapper:
        def __init__(self, node: Any) -> None:
            self.__dict__["node"] = node
            self.__dict__["bound"] = 0

        def __getattr__(self, name: str) -> Any:
            if hints[name] is str:
                return self.node.GetParameter(name)
            return self.node.GetNodeReference(name)

        def __setattr__(self, name: str, value: Any) -> None:
            if hints[name] is str:
                self.node.SetParameter(name, value)
            else:
                self.node.SetNodeReferenceID(name, value.GetID() if value else None)
                self.node.Modified()

        def connectGui(self, ui: Any) -> object:
            self.__dict__["bound"] += 1
            return object()

        def disconnectGui(self, tag: object) -> None:
            self.__dict__["bound"] -= 1

        def AddObserver(self, *arguments: Any) -> int:
            return self.node.AddObserver(*arguments)

        def RemoveObserver(self, tag: int) -> None:
            self.node.RemoveObserver(tag)

        def HasObserver(self, *arguments: Any) -> int:
            return self.node.HasObserver(*arguments)

    hints = get_type_hints(cls)
    Wrapper.parameters = hints
    return Wrapper


def modules() -> dict[str, ModuleType]:
    """The doubles under the names they are imported by."""
    bases = (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    )
    contents: dict[str, dict[str, Any]] = {
        "qt": {"QTimer": qt_double.QTimer},
        "slicer.i18n": {"tr": lambda text: text, "translate": lambda context, text: text},
        "slicer.ScriptedLoadableModule": {base.__name__: base for base in bases},
        "slicer.parameterNodeWrapper": {"parameterNodeWrapper": parameterNodeWrapper},
    }
    found = {name: ModuleType(name) for name in contents}
    for name, module in found.items():
        module.__dict__.update(contents[name])
    return found
