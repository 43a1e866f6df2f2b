"""The table of floors in CONTRIBUTING.md, held against every import of the product."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from copy import deepcopy
from graphlib import TopologicalSorter

import grimp
from imports import LAB, LOGIC, PANEL, ROOT, import_graph, inside

LONGEST_FILE = 400
HEAVY = {"torch", "torchvision", "timm", "open_clip", "transformers", "huggingface_hub"}
MAIN = f"{LAB}.__main__"
"""Hands over to the command line; it has no floor of its own."""


def floors() -> list[set[str]]:
    """Packages of each floor, from the top down."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|([^|]*)\|", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(11, -1, -1))
    return [set(re.findall(r"`([^`]+)`", packages)) for _, packages in rows]


def graph_without_face() -> grimp.ImportGraph:
    """All imports but those of the engine's face, which names functions of every floor."""
    graph = deepcopy(import_graph())
    for upstream in graph.find_modules_directly_imported_by(LOGIC):
        graph.remove_import(importer=LOGIC, imported=upstream)
    return graph


def importers(name: str) -> set[str]:
    """Modules that import a package of others, directly."""
    graph = import_graph()
    return graph.find_modules_that_directly_import(name) if name in graph.modules else set()


def test_every_package_has_its_floor() -> None:
    graph = import_graph()
    assert set().union(*floors()) == {PANEL} | graph.find_children(LAB) - {MAIN} | graph.find_children(LOGIC)


def test_no_arrow_points_up() -> None:
    upward = {
        " → ".join((*sorted(route.heads)[:1], *route.middle, *sorted(route.tails)[:1]))
        for dependency in graph_without_face().find_illegal_dependencies_for_layers(floors())
        for route in dependency.routes
    }
    assert upward == set()


def test_no_imports_run_in_a_circle() -> None:
    graph = graph_without_face()
    TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}).prepare()


def test_only_panel_and_scene_layer_import_slicer() -> None:
    known = (PANEL, f"{LOGIC}.scene", f"{LAB}.results.headless_scene")
    assert {name for name in importers("slicer") | importers("vtk") if not inside(name, *known)} == set()


def test_only_the_panel_imports_qt() -> None:
    assert {name for name in importers("qt") | importers("ctk") if not inside(name, PANEL)} == set()


def test_panel_does_not_compute() -> None:
    assert {name for package in HEAVY for name in importers(package) if inside(name, PANEL)} == set()


def test_module_file_imports_nothing_of_ours_but_the_panel() -> None:
    tree = ast.parse((ROOT / "MedCLIPSeg" / "MedCLIPSeg.py").read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names = plain | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in names if not inside(name, PANEL, "slicer")} == {
        *("__future__", "importlib.util", "sys", "pathlib", "typing", "numpy", "vtk")
    }


def test_light_modules_load_nothing_heavy() -> None:
    light = ("", ".errors", ".inference.result", ".model.catalog")
    code = f"import sys\nimport {', '.join(LOGIC + name for name in light)}, {LAB}.cli.commands\nprint(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) & {*HEAVY, "slicer"} == set()


def test_files_are_short() -> None:
    folders = ("MedCLIPSeg", LAB, LOGIC, "Testing")
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
