"""Starting Slicer must not wait for the module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MOST_MODULES = 60
# What Slicer itself has loaded at its start does not count.
CODE = f"""
import sys
sys.path[:0] = [{str(ROOT / "MedCLIPSeg")!r}, {str(ROOT / "Testing" / "Host")!r}]
import slicerhost
slicerhost.startApplication(mainWindow=False)
import csv, hashlib, json, numpy, tempfile, uuid
import slicer.parameterNodeWrapper, slicer.util, slicer.i18n, slicer.ScriptedLoadableModule
before = set(sys.modules)
import MedCLIPSeg
print(*sorted(set(sys.modules) - before))
"""


def test_import_loads_few_modules_and_nothing_heavy() -> None:
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    loaded = answer.stdout.strip().splitlines()[-1].split()
    heavy = {"torch", "timm", "open_clip", "transformers", "torchvision", "nibabel"}
    assert heavy & {name.partition(".")[0] for name in loaded} == set()
    assert len(loaded) <= MOST_MODULES, loaded
