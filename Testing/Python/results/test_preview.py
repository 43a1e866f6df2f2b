"""The preview of a run of many prompts."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLab.results.preview import MOST_ROWS, Overlay, overlay_figure
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume


@pytest.mark.slow
def test_many_prompts_still_make_a_picture() -> None:
    volume = Volume(np.arange(5 * 48 * 32, dtype=np.int16).reshape(5, 48, 32), np.eye(4), "many")
    mask = np.zeros(volume.shape, np.uint8)
    mask[:, 10:30, 8:20] = 1
    heights = []
    for count in (MOST_ROWS, 5 * MOST_ROWS):
        overlays = [Overlay(f"thing {number}", mask, None, range(5)) for number in range(count)]
        file = BytesIO()
        mapping = resolve(default_rule(volume), volume)
        overlay_figure(volume, mapping, choose_axis(volume, "auto"), overlays).write(file)
        heights.append(Image.open(file).size[1])
    assert heights[0] == heights[1] < 2**16
