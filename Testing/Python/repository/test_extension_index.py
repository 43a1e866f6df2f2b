"""The catalog entry keeps the rules the extension index checks by machine."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENTRY = ROOT / "Resources" / "MedCLIPSeg.json"
ALLOWED = {
    "$schema",
    "category",
    "scm_url",
    "scm_type",
    "scm_revision",
    "build_dependencies",
    "build_subdirectory",
    "dicom_support_rule",
    "enabled",
    "tier",
}


def test_entry_has_only_known_keys_and_all_required_ones() -> None:
    entry = json.loads(ENTRY.read_text(encoding="utf-8"))
    assert set(entry) <= ALLOWED
    assert set(entry) >= {"$schema", "category", "scm_url"}
    assert entry["tier"] in range(1, 6)


def test_entry_is_named_as_the_project_and_ends_lines_plainly() -> None:
    assert f"project({ENTRY.stem})" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert b"\r" not in ENTRY.read_bytes()


def test_repository_name_starts_with_slicer_and_extension_does_not() -> None:
    entry = json.loads(ENTRY.read_text(encoding="utf-8"))
    name = entry["scm_url"].rpartition("/")[2]
    assert re.fullmatch(r"Slicer[-_]?\w+\.git", name)
    assert not ENTRY.stem.startswith("Slicer")


def test_entry_and_cmake_name_the_same_dependencies() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    depends = re.findall(r'set\(EXTENSION_DEPENDS "([^"]*)"\)', text)[0].split()
    assert json.loads(ENTRY.read_text(encoding="utf-8"))["build_dependencies"] == depends


def test_icon_is_a_square_png_of_128_pixels() -> None:
    head = (ROOT / "Resources" / "MedCLIPSeg.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (128, 128)


def test_screenshots_named_in_cmake_exist() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    urls = re.findall(r'set\(EXTENSION_SCREENSHOTURLS "([^"]*)"\)', text)[0].split()
    assert urls
    assert [url for url in urls if not (ROOT / url.partition("/main/")[2]).is_file()] == []


def test_license_lies_in_the_root() -> None:
    assert (ROOT / "LICENSE.txt").is_file()
