"""What tests of the methods without training data do with the panel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pythonqt
import slicer
from slicerhost.fixtures import Pump

TITLES = {"medclip-sam": "MedCLIP-SAM zero-shot", "medclip-sam-v2": "MedCLIP-SAMv2 zero-shot"}


def choose(widget: Any, method: str) -> None:
    combo = widget.ui.modelComboBox
    combo.currentIndex = combo.findText(TITLES[method])
    pythonqt.processEvents(30)


def setChoice(combo: Any, key: str) -> None:
    combo.currentIndex = combo.findData(key)
    pythonqt.processEvents(30)


def isShown(widget: Any) -> bool:
    return not widget.isHidden()


def addPicture() -> Any:
    """A bright disk in noise, in the slice views."""
    rows, columns = np.mgrid[:48, :64]
    voxels = np.random.default_rng(0).integers(0, 60, (1, 48, 64)).astype(np.uint8)
    voxels[0, (rows - 24) ** 2 + (columns - 30) ** 2 < 120] += 150
    node = slicer.util.addVolumeFromArray(voxels, name="breast")
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def runAll(widget: Any, pump: Pump) -> str:
    logic = widget.logic
    logic.run([row.rowId for row in logic.rows])
    pump(until=lambda: not logic.isRunning, seconds=120)
    return str(widget.ui.statusLabel.text)
