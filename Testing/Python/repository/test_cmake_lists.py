"""Slicer packages what CMake lists and nothing else, so the lists must agree with the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LISTS = {
    "MedCLIPSeg": ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"),
    "MedCLIPSegLogic": ("MedCLIPSegLogic_SCRIPTS", "MedCLIPSegLogic_RESOURCES"),
}


def settings(cmake_file: Path) -> dict[str, list[str]]:
    """Every ``set(NAME value…)`` of a file, comments dropped and earlier names filled in."""
    text = re.sub(r"#.*", "", cmake_file.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for name, body in re.findall(r"\bset\(\s*(\w+)([^)]*)\)", text):
        body = re.sub(r"\$\{(\w+)\}", lambda match: ";".join(found.get(match[1], [match[0]])), body)
        found[name] = body.split()
    return found


def files(folder: Path) -> list[str]:
    """Files that belong to the package, relative to its folder."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and path.name != "CMakeLists.txt"
        and not any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(folder).parts)
    )


@pytest.mark.parametrize("package", LISTS)
def test_scripts_are_the_python_files(package: str) -> None:
    listed = settings(ROOT / package / "CMakeLists.txt")[LISTS[package][0]]
    assert listed == [name for name in files(ROOT / package) if name.endswith(".py")]


@pytest.mark.parametrize("package", LISTS)
def test_resources_are_all_other_files(package: str) -> None:
    listed = settings(ROOT / package / "CMakeLists.txt")[LISTS[package][1]]
    present = [name for name in files(ROOT / package) if not name.endswith(".py")]
    assert listed == present
    assert all(name.startswith("Resources/") for name in present)


def test_project_is_named_as_in_the_extension_index() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.findall(r"^project\((\w+)\)$", text, re.MULTILINE) == ["MedCLIPSeg"]


@pytest.mark.parametrize("folder", ["MedCLIPSeg", "MedCLIPSegLogic"])
def test_subfolder_is_added_to_the_extension(folder: str) -> None:
    assert f"add_subdirectory({folder})" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def test_catalog_icon_exists_under_its_url() -> None:
    url = settings(ROOT / "CMakeLists.txt")["EXTENSION_ICONURL"][0].strip('"')
    assert (ROOT / url.partition("/main/")[2]).is_file()


def test_module_icon_is_the_catalog_icon() -> None:
    catalog = (ROOT / "Resources/MedCLIPSeg.png").read_bytes()
    assert (ROOT / "MedCLIPSeg/Resources/Icons/MedCLIPSeg.png").read_bytes() == catalog
