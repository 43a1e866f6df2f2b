"""What ``pip install medclipseg`` brings is enough to segment; the workbench says what it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from MedCLIPSegLab.cli.app import LAB_PACKAGES
from MedCLIPSegLab.results.demo import CASES

ROOT = Path(__file__).resolve().parents[3]
BLOCK = """
import sys
for package in {blocked!r}:
    sys.modules[package] = None
from MedCLIPSegLab.cli.app import main
main()
"""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """``medclipseg ARGUMENTS`` without the packages of the extras."""
    code = BLOCK.format(blocked=sorted(LAB_PACKAGES))
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.fspath(ROOT)})


def test_without_the_extras_segment_works_and_the_workbench_names_them(tmp_path: Path) -> None:
    picture, out = CASES / "dermoscopy.jpg", tmp_path / "out"
    done = run("segment", picture, "--prompt", "skin lesion", "--model", "mini", "--samples", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    assert (out / "scene.mrb").is_file()
    refused = run("evaluate", "--model", "mini", "--data", tmp_path, "--out", tmp_path / "scores")
    assert refused.returncode == 2
    assert refused.stderr.strip().endswith('install it with pip install "medclipseg[lab]".')


def test_every_package_of_the_extra_is_known() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {entry.partition(">=")[0].lower().replace("-", "_") for entry in extras["lab"]}
    assert names == LAB_PACKAGES
