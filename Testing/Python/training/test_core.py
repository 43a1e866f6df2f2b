"""The core of training asks for nothing that the extension does not have."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys

for name in ("monai", "openpyxl", "matplotlib", "tensorboard", "pandas", "jinja2", "surface_distance", "nnunetv2"):
    sys.modules[name] = None  # importing it fails
from MedCLIPSegLab.training import growth, objective, optimization, state, train, trainer

assert not [name for name in sys.modules if name.startswith("MedCLIPSegLab.evaluation")]
"""


@pytest.mark.slow
def test_the_core_is_imported_without_the_packages_of_the_workbench() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
