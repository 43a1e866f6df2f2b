"""Packages are installed at the point of use, after a question, and every way out is one sentence."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from MedCLIPSegLogic.errors import MedCLIPSegError


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("# a remark\nnumpy>=1.26\n\nno-such-package>=2.0\nPillow>=999\n", encoding="utf-8")
    return path


@pytest.fixture
def dependencies(application: ModuleType, requirements: Path) -> Any:
    from MedCLIPSegLib.dependencies import Dependencies

    return Dependencies(requirements, pytorch=SimpleNamespace(ensure=lambda: None))


@pytest.fixture
def provider(application: ModuleType) -> Any:
    from MedCLIPSegLib.pytorch_provider import PyTorchProvider

    return PyTorchProvider()


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name))


def answer(application: ModuleType, monkeypatch: pytest.MonkeyPatch, accepted: bool) -> list[str]:
    """Answer every question; returns the questions."""
    asked: list[str] = []

    def confirm(text: str) -> bool:
        asked.append(text)
        return accepted

    monkeypatch.setattr(application.util, "confirmOkCancelDisplay", confirm)
    return asked


def slicer_packaging(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[Any]:
    """Slicer 5.12's installer; returns its calls."""
    calls: list[Any] = []
    module = ModuleType("slicer.packaging")

    def pip_ensure(requirements: list[str], **options: Any) -> None:
        calls.append((requirements, options))
        if error:
            raise error

    module.__dict__.update(pip_ensure=pip_ensure, load_requirements=lambda path: Path(path).read_text().split("\n"))
    monkeypatch.setitem(sys.modules, "slicer.packaging", module)
    return calls


def test_torch_comes_before_what_depends_on_it(
    application: ModuleType, requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MedCLIPSegLib.dependencies import Dependencies

    calls = slicer_packaging(monkeypatch)

    def ensure() -> None:
        assert calls == []
        raise MedCLIPSegError("no PyTorch")

    with pytest.raises(MedCLIPSegError, match="no PyTorch"):
        Dependencies(requirements, pytorch=SimpleNamespace(ensure=ensure)).ensure()
    assert calls == []


def test_slicer_installs_and_leaves_torch_alone(dependencies: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = slicer_packaging(monkeypatch)
    dependencies.ensure()
    ((_requirements, options),) = calls
    assert options == {"requester": "MedCLIPSeg", "skip_packages": ["torch", "torchvision"]}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("declined"), "were not installed"),
        (subprocess.CalledProcessError(1, "pip"), "could not be installed"),
    ],
)
def test_slicer_did_not_install(
    dependencies: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    slicer_packaging(monkeypatch, error)
    with pytest.raises(MedCLIPSegError, match=said):
        dependencies.ensure()


def test_older_slicer_installs_what_is_missing_or_too_old(
    dependencies: Any, application: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    installed: list[Any] = []
    monkeypatch.setattr(application.util, "pip_install", installed.append)
    (asked,) = (answer(application, monkeypatch, accepted=True),)
    dependencies.ensure()
    assert installed == [["no-such-package>=2.0", "Pillow>=999"]]
    assert "no-such-package>=2.0" in asked[0]


def test_older_slicer_installs_nothing_unasked(
    dependencies: Any, application: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    monkeypatch.setattr(application.util, "pip_install", lambda _: pytest.fail("installed without consent"))
    answer(application, monkeypatch, accepted=False)
    with pytest.raises(MedCLIPSegError, match="were not installed"):
        dependencies.ensure()


def test_older_slicer_with_everything_there_asks_nothing(
    dependencies: Any, requirements: Path, application: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements.write_text("numpy>=1.26\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    asked = answer(application, monkeypatch, accepted=False)
    dependencies.ensure()
    assert asked == []


def test_torch_is_installed_by_its_extension(
    provider: Any, without_torch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []

    def installTorch(**options: Any) -> object:
        calls.append(options)
        return object()

    utils = ModuleType("PyTorchUtils")
    utils.__dict__["PyTorchUtilsLogic"] = lambda: SimpleNamespace(installTorch=installTorch)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", utils)
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    provider.ensure()
    assert calls == [{"askConfirmation": True, "torchVersionRequirement": ">=2.6"}]


def test_declined_torch(provider: Any, without_torch: None, monkeypatch: pytest.MonkeyPatch) -> None:
    utils = ModuleType("PyTorchUtils")
    utils.__dict__["PyTorchUtilsLogic"] = lambda: SimpleNamespace(installTorch=lambda **_: None)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", utils)
    with pytest.raises(MedCLIPSegError, match="PyTorch was not installed"):
        provider.ensure()


@pytest.mark.parametrize(
    ("accepted", "installs", "said"),
    [
        (False, False, "extension is missing"),
        (True, False, "could not be installed"),
        (True, True, "Restart Slicer"),
    ],
)
def test_pytorch_extension_is_offered(
    provider: Any,
    without_torch: None,
    application: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    accepted: bool,
    installs: bool,
    said: str,
) -> None:
    asked_for: list[Any] = []

    def install(name: str, restart: bool) -> bool:
        asked_for.append((name, restart))
        return installs

    manager = SimpleNamespace(installExtensionFromServer=install)
    monkeypatch.setattr(application, "app", SimpleNamespace(extensionsManagerModel=lambda: manager), raising=False)
    answer(application, monkeypatch, accepted)
    with pytest.raises(MedCLIPSegError, match=said):
        provider.ensure()
    assert asked_for == ([("PyTorch", False)] if accepted else [])


def test_broken_torch_says_what_to_do(provider: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so is missing')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(MedCLIPSegError, match=r"libcudart\.so is missing.*PyTorch Utils"):
        provider.ensure()
