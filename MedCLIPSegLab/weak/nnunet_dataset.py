"""A training set in MedCLIPSeg's layout as a data set in that of nnU-Net."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from MedCLIPSegLogic.datasets.sheets import read_sheet
from MedCLIPSegLogic.files.replacing import write_json

from .images import write_png

DATASET_ID = 1
DATASET_NAME = "Dataset001_Weak"
DATASET_FILE = "dataset.json"
ENDING = ".png"


def write_nnunet_dataset(source: Path, raw: Path, size: int, progress: Callable[[int, int], None]) -> Path:
    """Write ``imagesTr/NAME_0000.png``, ``labelsTr/NAME.png`` and, at the end, ``dataset.json``.

    Images are resized by bicubic interpolation, as published; masks to the nearest pixel, because interpolating them
    and taking all that is not 0, as published, thickens them. The channels are R, G and B; masks hold 0 and 1.

    Args:
        source: with ``Train_Folder`` and ``Prompts_Folder/Train_text.csv``; images and masks are PNG files.
        raw: nnU-Net's folder of raw data sets.
        size: side of the resized images.
        progress: called with the number of the image, from 1, and their number.

    Returns:
        The data set's folder.
    """
    folder = raw / DATASET_NAME
    if (folder / DATASET_FILE).is_file():
        return folder
    images, labels = folder / "imagesTr", folder / "labelsTr"
    for place in (images, labels):
        place.mkdir(parents=True, exist_ok=True)
    rows = read_sheet(source / "Prompts_Folder" / "Train_text.csv")
    for number, row in enumerate(rows, start=1):
        stem = row.image.removesuffix(ENDING)
        pixels = np.array(Image.open(source / "Train_Folder" / "img" / row.image).convert("RGB"))
        mask = np.array(Image.open(source / "Train_Folder" / "label" / row.ground_truth))
        write_png(images / f"{stem}_0000{ENDING}", network_image(pixels, size))
        write_png(labels / f"{stem}{ENDING}", network_mask(mask, size))
        progress(number, len(rows))
    description = {
        "channel_names": {"0": "R", "1": "G", "2": "B"},
        "labels": {"background": 0, "foreground": 1},
        "numTraining": len(rows),
        "file_ending": ENDING,
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }
    write_json(folder / DATASET_FILE, description)
    return folder


def network_image(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """An image (H, W, 3) as nnU-Net sees it: (S, S, 3)."""
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


def network_mask(mask: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A mask (H, W) of 0 and 255 as nnU-Net sees it: (S, S) of 0 and 1."""
    inside = (mask > 127).astype(np.uint8)
    return np.asarray(cv2.resize(inside, (size, size), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
