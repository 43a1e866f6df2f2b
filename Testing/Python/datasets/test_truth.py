"""Masks that do not belong to their image are refused, never read as something else."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

SHAPE = (6, 7, 8)
AFFINE = np.diag([2.0, 1.0, 3.0, 1.0])


@pytest.fixture
def an_image(tmp_path: Path) -> Volume:
    nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, np.float32), AFFINE), tmp_path / "image.nii.gz")
    return read_volume(tmp_path / "image.nii.gz")


@pytest.fixture
def a_drawing(tmp_path: Path) -> Volume:
    Image.new("L", (8, 6), 50).save(tmp_path / "drawing.png")
    return read_volume(tmp_path / "drawing.png")


def labels(path: Path, affine: np.ndarray) -> Path:
    data = np.zeros(SHAPE, np.uint8)
    data[1, 2, 3], data[4, 5, 6] = 1, 2
    nibabel.save(nibabel.Nifti1Image(data, affine), path)
    return path


def test_labels_on_the_same_grid_are_read(an_image: Volume, tmp_path: Path) -> None:
    rounded = AFFINE + 1e-4
    truth = read_truth(labels(tmp_path / "mask.nii.gz", rounded), (2,), an_image)
    assert truth.sum() == 1
    assert truth[6, 5, 4]


def test_labels_elsewhere_in_space_are_refused(an_image: Volume, tmp_path: Path) -> None:
    flipped = AFFINE @ np.array([[-1.0, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    for affine in (flipped, AFFINE + np.diag([0.0, 0.1, 0, 0])):
        with pytest.raises(MedCLIPSegError, match="elsewhere in space"):
            read_truth(labels(tmp_path / "mask.nii.gz", affine), (1, 2), an_image)


def test_zero_and_one_are_refused_without_label_values(a_drawing: Volume, tmp_path: Path) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[2:4, 2:5] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    with pytest.raises(MedCLIPSegError, match="no value above 127"):
        read_truth(tmp_path / "mask.png", (), a_drawing)
    assert read_truth(tmp_path / "mask.png", (1,), a_drawing).sum() == 6


def test_an_empty_mask_is_empty(a_drawing: Volume, tmp_path: Path) -> None:
    Image.new("L", (8, 6), 0).save(tmp_path / "mask.png")
    assert not read_truth(tmp_path / "mask.png", (), a_drawing).any()


def test_a_palette_mask_is_refused(a_drawing: Volume, tmp_path: Path) -> None:
    picture = Image.fromarray(np.full((6, 8), 2, np.uint8), "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "mask.png")
    with pytest.raises(MedCLIPSegError, match="palette"):
        read_truth(tmp_path / "mask.png", (2,), a_drawing)


def test_a_grey_mask_stored_as_rgb_is_read(a_drawing: Volume, tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), (255, 255, 255)).save(tmp_path / "mask.png")
    assert read_truth(tmp_path / "mask.png", (), a_drawing).all()
