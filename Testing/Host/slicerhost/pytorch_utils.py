"""``PyTorchUtils``, the module of the PyTorch extension, as a double that can be put in and taken out."""

from __future__ import annotations

import importlib.machinery
import sys
from types import ModuleType
from typing import Any

answer: Any = None
calls: list[dict[str, Any]] = []


class PyTorchUtilsLogic:
    """Notes what it is asked; `answer` is what an installation returns."""

    def torchInstalled(self) -> bool:
        return answer is not None

    def installTorch(self, **options: Any) -> Any:
        calls.append(options)
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
    global answer
    answer = None
    calls.clear()
    sys.modules.pop("PyTorchUtils", None)
