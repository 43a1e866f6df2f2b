"""Pictures as Slicer's readers give them: gray, color, with transparency, of any size and resolution, to a result."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
from PIL import Image
from slicerhost.fixtures import Pump

from MedCLIPSegLogic.scene.segmentation import segment_mask

pytestmark = pytest.mark.usefixtures("a_mini_that_never_refuses")


def gray(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width), dtype=np.uint8))


def color(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))


def seen(height: int, width: int) -> Image.Image:
    """With full, half and no transparency."""
    picture = color(height, width).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((width, height)))
    return picture


PICTURES: dict[str, tuple[Image.Image, dict[str, Any]]] = {
    "gray.png": (gray(48, 64), {}),
    "gray.jpg": (gray(48, 64), {}),
    "color.png": (color(48, 64), {}),
    "color.jpg": (color(48, 64), {}),
    "resolution.jpg": (color(48, 64), {"dpi": (300, 300)}),
    "progressive.jpg": (color(48, 64), {"progressive": True}),
    "four-inks.jpg": (color(48, 64).convert("CMYK"), {}),
    "transparent.png": (seen(48, 64), {}),
    "palette.png": (color(48, 64).quantize(16), {}),
    "bits.png": (gray(48, 64).point(lambda value: 255 * (value > 100)).convert("1"), {}),
    "sixteen-bits.png": (Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20), {}),
    "tall.png": (gray(300, 20), {}),
    "wide.jpg": (color(20, 300), {}),
    "large.jpg": (color(1200, 1600), {}),
    "one-pixel.png": (gray(1, 1), {}),
    "a line.png": (color(1, 40), {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_gets_a_mask_on_its_pixels(
    a_slicer: ModuleType, a_module_widget: Any, pump: Pump, tmp_path: Path, name: str
) -> None:
    picture, options = PICTURES[name]
    picture.save(tmp_path / name, **options)
    node = a_slicer.util.loadVolume(str(tmp_path / name), {"singleFile": True})
    pump(lambda: a_module_widget.logic.volumeNode is node, 10)
    logic, ui = a_module_widget.logic, a_module_widget.ui
    logic.parameters.sampleCount = 1
    ui.promptLineEdit.text = "tumor"
    ui.promptLineEdit.returnPressed()
    pump(lambda: not logic.isRunning, 120)
    pythonqt.processEvents(50)
    [row] = logic.rows
    assert logic.stateOf(row) in ("done", "empty"), ui.statusLabel.text
    mask = segment_mask(logic.segmentationNode, logic.segmentOf(row), node)
    assert mask.shape == (1, picture.height, picture.width)
    shown = a_slicer.util.arrayFromVolume(logic.mapOf(row, "Probability"))
    np.testing.assert_array_equal(mask, shown > row.threshold)
