"""Small data sets in MedCLIPSeg's layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import openpyxl
import pytest
from PIL import Image

from MedCLIPSegLab.knowing import image_kinds, measuring

COLUMNS = ["Image", "Description", "Ground Truth"]


def write_sheet(path: Path, rows: list[list[str]], columns: list[str] = COLUMNS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    for row in [columns, *rows]:
        book.active.append(row)
    book.save(path)


@pytest.fixture(autouse=True)
def learn_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training ends with learning what the model knows; here that may be badly."""
    monkeypatch.setattr(image_kinds, "MADE", 20)
    monkeypatch.setattr(measuring, "MOST_IMAGES", 1)


@pytest.fixture
def a_data_set(tmp_path: Path) -> Callable[..., Path]:
    """Factory of a folder with pictures of one bright disc each, for Train and Val."""

    def make(
        name: str = "discs", prompt: str = "one small polyp, located in left of the image", count: int = 6
    ) -> Path:
        folder = tmp_path / name
        rng = np.random.default_rng(1)
        for split in ("Train", "Val"):
            for kind in ("img", "label"):
                (folder / f"{split}_Folder" / kind).mkdir(parents=True)
            rows = []
            for number in range(count):
                y, x = rng.integers(12, 36, 2)
                mask = np.hypot(*(np.mgrid[:48, :48] - np.array([y, x])[:, None, None])) < 8
                image = (60 + 120 * mask[..., None] + rng.normal(0, 5, (48, 48, 3)) + [10, 0, -10]).astype(np.uint8)
                Image.fromarray(image).save(folder / f"{split}_Folder" / "img" / f"{number}.png")
                Image.fromarray(mask.astype(np.uint8) * 255).save(
                    folder / f"{split}_Folder" / "label" / f"{number}.png"
                )
                rows.append([f"{number}.png", prompt, f"{number}.png"])
            write_sheet(folder / "Prompts_Folder" / f"{split}_text.xlsx", rows)
        return folder

    return make


@pytest.fixture
def a_volume_set(tmp_path: Path) -> Path:
    """One volume with two labels and three prompts."""
    folder = tmp_path / "volumes"
    for kind in ("img", "label"):
        (folder / "Train_Folder" / kind).mkdir(parents=True)
    labels = np.zeros((20, 24, 16), np.uint8)
    labels[5:15, 6:18, 4:8] = 1
    labels[5:15, 6:18, 8:12] = 2
    for kind, data in (("img", labels * 50.0 + 3), ("label", labels)):
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), folder / "Train_Folder" / kind / "v.nii.gz")
    rows = [["v.nii.gz", text, "v.nii.gz", value] for text, value in (("all", "1,2"), ("lower", "1"), ("upper", "2"))]
    write_sheet(folder / "Prompts_Folder" / "Train_text.xlsx", rows, [*COLUMNS, "Label Values"])
    return folder
