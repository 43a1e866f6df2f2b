"""Imports that must not hold up the panel."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import pythonqt

from MedCLIPSegLib.imports_ahead import MODULES, ImportsAhead
from MedCLIPSegLib.run.torch_import import importTorch, withoutCollections

MODULE_FOLDER = Path(__file__).resolve().parents[3] / "MedCLIPSeg"
IN_A_THREAD = """
import gc, sys, threading
sys.path.insert(0, sys.argv[1])
from MedCLIPSegLib.run.torch_import import importTorch, withoutCollections
collections = []
gc.callbacks.append(lambda phase, _info: collections.append(phase))
def work():
    with withoutCollections():
        collections.clear()
        importTorch()
        during.append(len(collections))
during = []
thread = threading.Thread(target=work)
thread.start()
thread.join()
import torch
print(during, gc.isenabled(), gc.get_freeze_count(), float(torch.ones(3).sum()))
"""


@pytest.fixture
def some_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    names = [f"sliced_{number}" for number in range(4)]
    for name in names:
        (tmp_path / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield names
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_pytorch_is_imported_on_a_thread_without_collections() -> None:
    command = [sys.executable, "-c", IN_A_THREAD, str(MODULE_FOLDER)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[0] True 0 3.0"


@pytest.mark.parametrize("library", [None, b"no library"])
def test_a_broken_pytorch_is_left_to_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: bytes | None
) -> None:
    package = tmp_path / "torch"
    (package / "lib").mkdir(parents=True)
    (package / "__init__.py").write_text("raise OSError('libcudart.so.12')")
    if library is not None:
        for ending in ("so", "dylib"):
            (package / "lib" / f"libtorch.{ending}").write_bytes(library)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(OSError, match=r"libcudart\.so\.12"), withoutCollections():
        importTorch()


def test_one_module_a_turn_while_nothing_runs(a_slicer: ModuleType, some_modules: list[str]) -> None:
    isFree, loaded = False, list[int]()

    def mayImport() -> bool:
        loaded.append(sum(name in sys.modules for name in some_modules))
        return isFree

    ahead = ImportsAhead(mayImport, some_modules)
    ahead.start()
    pythonqt.processEvents(50)
    assert set(loaded) == {0}
    isFree = True
    assert pythonqt.runEventLoop(lambda: some_modules[-1] in sys.modules, 60)
    ahead.stop()
    assert sorted(set(loaded)) == [0, 1, 2, 3]


def test_a_missing_module_ends_it_quietly(a_slicer: ModuleType, some_modules: list[str]) -> None:
    ahead = ImportsAhead(lambda: True, [some_modules[0], "no_such_package", some_modules[1]])
    ahead.start()
    pythonqt.processEvents(100)
    assert some_modules[0] in sys.modules
    assert some_modules[1] not in sys.modules


def test_what_is_imported_ahead_does_not_import_pytorch() -> None:
    code = (
        f"import sys, importlib; [importlib.import_module(name) for name in {MODULES}]; print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
