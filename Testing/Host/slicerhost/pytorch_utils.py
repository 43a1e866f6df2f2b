"""``PyTorchUtils``, the module of the PyTorch extension, as a double that can be put in and taken out."""

from __future__ import annotations

import importlib.machinery
import subprocess
import sys
from types import ModuleType
from typing import Any

import slicer

answer: Any = None
calls: list[dict[str, Any]] = []
fails = False


class PyTorchUtilsLogic:
    """Notes what it is asked; `answer` is what an installation returns, `fails` lets pip fail.

    As the real one: it asks unless under testing, returns None when the person declined, and raises when pip fails.
    """

    def torchInstalled(self) -> bool:
        return answer is not None

    def installTorch(self, **options: Any) -> Any:
        calls.append(options)
        asks = options.get("askConfirmation") and not slicer.app.testingEnabled()
        if asks and not slicer.util.confirmOkCancelDisplay("PyTorch will be downloaded and installed."):
            return None
        if fails:
            raise subprocess.CalledProcessError(1, ["light_the_torch", "install"])
        return answer


def put(torch: Any = None) -> None:
    """Make ``import PyTorchUtils`` work; ``torch`` is what installTorch returns."""
    global answer
    answer = torch
    module = ModuleType("PyTorchUtils")
    module.__spec__ = importlib.machinery.ModuleSpec("PyTorchUtils", loader=None)
    module.PyTorchUtilsLogic = PyTorchUtilsLogic  # type: ignore[attr-defined]
    sys.modules["PyTorchUtils"] = module


def takeOut() -> None:
    """Make ``import PyTorchUtils`` fail again."""
    global answer, fails
    answer, fails = None, False
    calls.clear()
    sys.modules.pop("PyTorchUtils", None)
