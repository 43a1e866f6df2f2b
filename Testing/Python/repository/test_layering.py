"""The arrows panel, logic, scene layer, engine point one way."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "MedCLIPSegLogic"
LONGEST_FILE = 400
HEAVY = {"torch", "slicer", "open_clip", "transformers", "huggingface_hub"}
ENGINE = ("model", "inference", "volumes", "zeroshot")
ABOVE_ENGINE = (
    "zoo",
    "speed",
    "scene",
    "workflows",
    "cli",
    "reporting",
    "datasets",
    "evaluation",
    "training",
    "tuning",
    "weak",
)
PACKAGE_FILES = sorted(PACKAGE.rglob("*.py"))
ALL_FILES = sorted(
    path for folder in ("MedCLIPSeg", "MedCLIPSegLogic", "Testing") for path in (ROOT / folder).rglob("*.py")
)


def relative_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_names(path: Path, tree: ast.AST | None = None) -> Iterator[str]:
    """Full dotted names of everything a file imports, wherever in the file the import stands."""
    for node in ast.walk(tree or ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
                base = ".".join([*package, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def top_names(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported_names(path)}


def test_relative_imports_are_resolved() -> None:
    tree = ast.parse("from ..scene import results\nfrom . import engine\nfrom .request import Request")
    names = list(imported_names(PACKAGE / "inference" / "engine.py", tree))
    assert names == [
        "MedCLIPSegLogic.scene.results",
        "MedCLIPSegLogic.inference.engine",
        "MedCLIPSegLogic.inference.request.Request",
    ]


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=relative_name)
def test_slicer_is_imported_by_the_scene_layer_alone(path: Path) -> None:
    assert "slicer" not in top_names(path) or PACKAGE / "scene" in path.parents


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=relative_name)
def test_package_knows_neither_qt_nor_the_panel(path: Path) -> None:
    assert not top_names(path) & {"qt", "ctk", "MedCLIPSeg", "MedCLIPSegLib"}


@pytest.mark.parametrize(
    "path", [path for name in ENGINE for path in sorted((PACKAGE / name).rglob("*.py"))], ids=relative_name
)
def test_engine_does_not_know_what_uses_it(path: Path) -> None:
    above = tuple(f"MedCLIPSegLogic.{name}" for name in ABOVE_ENGINE)
    assert [name for name in imported_names(path) if f"{name}.".startswith(tuple(f"{a}." for a in above))] == []


@pytest.mark.parametrize("path", sorted((ROOT / "MedCLIPSeg").rglob("*.py")), ids=relative_name)
def test_panel_does_not_compute(path: Path) -> None:
    assert not top_names(path) & {"torch", "torchvision", "open_clip", "transformers", "timm"}


@pytest.mark.parametrize("path", ALL_FILES, ids=relative_name)
def test_file_is_not_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize(
    "module",
    [
        "MedCLIPSegLogic",
        "MedCLIPSegLogic.errors",
        "MedCLIPSegLogic.inference.result",
        "MedCLIPSegLogic.model.catalog",
        "MedCLIPSegLab.cli.app",
    ],
)
def test_import_is_light(module: str) -> None:
    code = f"import sys, {module}; print(*{HEAVY} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
