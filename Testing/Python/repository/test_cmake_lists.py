"""Slicer packages what CMake lists and nothing else: all that the panel can reach, and no more."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from imports import LAB, LOGIC, PANEL, ROOT, import_graph, inside


def settings(cmake_file: Path) -> dict[str, list[str]]:
    """Every ``set(NAME value…)`` of a file, comments dropped and earlier names filled in."""
    text = re.sub(r"#.*", "", cmake_file.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for name, body in re.findall(r"\bset\(\s*(\w+)([^)]*)\)", text):
        body = re.sub(r"\$\{(\w+)\}", lambda match: ";".join(found.get(match[1], [match[0]])), body)
        found[name] = body.split()
    return found


def files(folder: str, pattern: str) -> list[str]:
    """Files of a package, relative to its folder and in the order of the lists."""
    paths = (path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob(pattern) if path.is_file())
    return sorted(
        path.as_posix()
        for path in paths
        if path.name != "CMakeLists.txt" and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    )


def reached_by_the_panel() -> set[str]:
    """Modules outside the panel that it can load, wherever the import stands, with the packages around them."""
    upstream = import_graph(with_types=False).find_upstream_modules(PANEL, as_package=True)
    ours = {name for name in upstream if inside(name, LAB, LOGIC)}
    return ours | {name[: dot.start()] for name in ours for dot in re.finditer(r"\.", name)}


def source(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_engine_holds_and_packages_exactly_what_the_panel_reaches() -> None:
    reached = sorted(source(name).relative_to(ROOT).as_posix() for name in reached_by_the_panel())
    assert reached == [f"{LOGIC}/{name}" for name in files(LOGIC, "*.py")]
    assert settings(ROOT / LOGIC / "CMakeLists.txt")["MedCLIPSegLogic_SCRIPTS"] == files(LOGIC, "*.py")


def test_panel_is_packaged_whole() -> None:
    listed = settings(ROOT / "MedCLIPSeg" / "CMakeLists.txt")
    assert listed["MODULE_PYTHON_SCRIPTS"] == files("MedCLIPSeg", "*.py")
    assert listed["MODULE_PYTHON_RESOURCES"] == [f"Resources/{name}" for name in files("MedCLIPSeg/Resources", "*")]


def test_packaged_resources_are_those_that_packaged_code_names() -> None:
    listed = settings(ROOT / LOGIC / "CMakeLists.txt")["MedCLIPSegLogic_RESOURCES"]
    assert listed == [f"Resources/{name}" for name in files(f"{LOGIC}/Resources", "*")]
    code = [ROOT / LOGIC / name for name in files(LOGIC, "*.py")]
    code += [ROOT / "MedCLIPSeg" / name for name in files("MedCLIPSeg", "*.py")]
    named = {
        node.value
        for path in code
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # A folder like Resources/Models is named as a whole; a folder of one file names that file.
    assert {Path(name).parts[1] for name in listed} <= named


def test_extension_is_named_as_in_the_index_and_adds_both_packages() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.findall(r"^project\((\w+)\)$", text, re.MULTILINE) == ["MedCLIPSeg"]
    assert set(re.findall(r"^add_subdirectory\((\w+)\)$", text, re.MULTILINE)) == {"MedCLIPSeg", LOGIC}


def test_icons_exist_and_are_one() -> None:
    url = settings(ROOT / "CMakeLists.txt")["EXTENSION_ICONURL"][0].strip('"')
    catalog = (ROOT / url.partition("/main/")[2]).read_bytes()
    assert (ROOT / "MedCLIPSeg/Resources/Icons/MedCLIPSeg.png").read_bytes() == catalog
