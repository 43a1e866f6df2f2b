"""A small study with known masks."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def a_study(tmp_path: Path) -> Path:
    """Two pictures, one of them without truth, and a volume with labels."""
    rng = np.random.default_rng(2)
    (tmp_path / "img").mkdir()
    (tmp_path / "label").mkdir()
    for name, inside in (("a.png", True), ("b.png", False)):
        mask = np.zeros((40, 50), np.uint8)
        mask[10:30, 10:30] = 255 * inside
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / "img" / name)
        Image.fromarray(mask).save(tmp_path / "label" / name)
    labels = np.zeros((20, 18, 4), np.uint8)
    labels[4:9, 4:9, 1:3] = 7
    for kind, data in (("img", labels * 9.0), ("label", labels)):
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / kind / "v.nii.gz")
    rows = ["a.png,thing,a.png,", "b.png,thing,b.png,", 'v.nii.gz,thing,v.nii.gz,"7,8"']
    (tmp_path / "sheet.csv").write_text("\n".join(["Image,Description,Ground Truth,Label Values", *rows]))
    return tmp_path
