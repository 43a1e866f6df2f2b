"""What ``pip install medclipseg`` brings is enough to segment; the workbench says what it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from MedCLIPSegLab.cli.app import LAB_PACKAGES
from MedCLIPSegLab.results.demo import CASES

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "Testing" / "Data" / "Probes" / "BUSI"
WITHOUT_EXTRAS = """
import sys
from pathlib import Path
packages, image, data, folder = sys.argv[1].split(","), *map(Path, sys.argv[2:])
sys.modules.update(dict.fromkeys(packages))
from MedCLIPSegLab.cli.app import main

def call(*arguments):
    sys.argv = ["medclipseg", *map(str, arguments)]
    try:
        main()
    except SystemExit as stop:
        return stop.code or 0

assert call("--help") == 0
assert not {"torch", "cv2", "matplotlib", "slicer", "transformers"} & set(sys.modules)
assert call("segment", image, "--prompt", "lesion", "--samples", 1, "--model", "mini", "--out", folder / "out") == 0
assert call("evaluate", "--model", "mini", "--data", data, "--out", folder / "scores") == 2
"""


@pytest.mark.slow
def test_without_the_extras_segment_works_and_the_workbench_names_them(tmp_path: Path) -> None:
    arguments = [",".join(sorted(LAB_PACKAGES)), str(CASES / "dermoscopy.jpg"), str(DATA), str(tmp_path)]
    command = [sys.executable, "-c", WITHOUT_EXTRAS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.fspath(ROOT)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "scene.mrb").is_file()
    assert done.stderr.strip().endswith('install it with pip install "medclipseg[lab]".')


def test_every_package_of_the_extra_is_known() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {entry.partition(">=")[0].lower().replace("-", "_") for entry in extras["lab"]}
    assert names == LAB_PACKAGES
