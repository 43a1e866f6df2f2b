"""A small data set of breast ultrasound with a normal image, and one of volumes with two labels."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

DEMO = Path(__file__).parents[3] / "MedCLIPSegLogic" / "Resources" / "Demo"
HEADER = "Image,Description,Ground Truth,Label Values\n"


def make_split(folder: Path, split: str, rows: str) -> Path:
    """Write a sheet and return the folder of the split."""
    for kind in ("img", "label"):
        (folder / f"{split}_Folder" / kind).mkdir(parents=True, exist_ok=True)
    (folder / "Prompts_Folder").mkdir(exist_ok=True)
    (folder / "Prompts_Folder" / f"{split}_text.csv").write_text(HEADER + rows)
    return folder / f"{split}_Folder"


@pytest.fixture
def breasts(tmp_path: Path) -> Path:
    """Three training images of 100 pixels: 10 of them inside, 20, and none. The demo case for validation."""
    folder = tmp_path / "breasts"
    place = make_split(
        folder,
        "Train",
        "0.png,One small benign tumor in the breast ultrasound image,0.png,\n"
        "1.png,A mass in the breast ultrasound image,1.png,\n"
        "2.png,No lump in the breast ultrasound image,2.png,\n",
    )
    for number, inside in enumerate((10, 20, 0)):
        mask = np.zeros(100, np.uint8)
        mask[:inside] = 255
        for kind, pixels in (("img", 50 + mask // 2), ("label", mask)):
            Image.fromarray(pixels.reshape(10, 10)).save(place / kind / f"{number}.png")
    place = make_split(folder, "Val", "a.jpg,One tumor in the breast ultrasound image,a.png,\n")
    shutil.copyfile(DEMO / "breast_ultrasound.jpg", place / "img" / "a.jpg")
    shutil.copyfile(DEMO / "breast_ultrasound_mask.png", place / "label" / "a.png")
    return folder


@pytest.fixture
def brains(tmp_path: Path) -> Path:
    """One volume of ten axial slices, two of which show the first label and one of these the second; no Val folder."""
    folder = tmp_path / "brains"
    rows = "v.nii.gz,Anterior hippocampus,v.nii.gz,1\nv.nii.gz,Posterior hippocampus,v.nii.gz,2\n"
    place = make_split(folder, "Train", rows)
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[:2, :, 4:6] = 1
    labels[5, :, 5] = 2
    for kind, voxels in (("img", labels * 50.0 + 3), ("label", labels)):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1, 1, 3, 1])), place / kind / "v.nii.gz")
    return folder
