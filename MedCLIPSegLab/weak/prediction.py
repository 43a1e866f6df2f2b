"""Masks, probabilities and uncertainties of a folder of images, as files on the grids of the images.

Uncertainty is that of an ensemble: an entropy map in bits and one score per image (MedCLIP-SAMv2, arXiv 2409.19483).
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.checked import checked, from_json
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.replacing import write_csv
from MedCLIPSegLogic.files.text_reading import read_text
from MedCLIPSegLogic.volumes.image_writing import write_image

from .images import Slice, read_slice, write_png
from .reporting import Report, WeakProgress

MASKS_FOLDER = "masks"
PROBABILITY_FOLDER = "probability"
UNCERTAINTY_FOLDER = "uncertainty"
TABLE_FILE = "images.csv"
IMAGES_AT_ONCE = 32
SMALLEST_PROBABILITY = 1e-7
"""Probabilities are clipped to this distance from 0 and 1, where the logarithm is not finite."""
Predictor = Callable[[Sequence[NDArray[np.uint8]]], Iterable[NDArray[np.float32]]]
"""Probabilities (H, W) of the foreground, 0…1, of images (H, W, 3) uint8, each on its own grid."""


@checked
@dataclass(frozen=True)
class Predicted:
    """A row of ``images.csv``.

    Args:
        image: file name of the image.
        mask: file name of its mask.
        share: part of the image inside the mask, 0…1.
        mean_entropy: mean of the uncertainty over the image in bits, 0…1.
        uncertainty_score: see :func:`image_score`; None without a rim.
    """

    image: str
    mask: str
    share: float
    mean_entropy: float
    uncertainty_score: float | None


def predict_images(
    images: dict[str, Path], folder: Path, get_predictor: Callable[[], Predictor], threshold: float, report: Report
) -> list[Predicted]:
    """Predict the images that are not done yet and write the table of all.

    Pictures get masks as PNG files, images with known pixel size as NRRD files; both hold 0 and 255.

    Args:
        images: files by stem.
        folder: gets ``masks``, ``probability``, ``uncertainty`` (in bits) and ``images.csv``.
        get_predictor: gives the trained network or ensemble; called only if an image is missing.
        threshold: probability above which a pixel is inside.
        report: called after every image.

    Raises:
        MedCLIPSegError: an image cannot be used; what is done is kept.
    """
    for name in (MASKS_FOLDER, PROBABILITY_FOLDER, UNCERTAINTY_FOLDER):
        (folder / name).mkdir(parents=True, exist_ok=True)
    done = {row.image: row for row in _read_table(folder / TABLE_FILE)}
    waiting = [(stem, path) for stem, path in images.items() if path.name not in done]
    predictor: Predictor | None = None
    for start in range(0, len(waiting), IMAGES_AT_ONCE):
        part = waiting[start : start + IMAGES_AT_ONCE]
        slices = [read_slice(path) for _, path in part]
        predictor = predictor or get_predictor()
        for (stem, path), source, probability in zip(
            part, slices, predictor([source.pixels for source in slices]), strict=True
        ):
            done[path.name] = _write(folder, stem, path, source, probability, threshold)
            report(WeakProgress("predicting", len(done), len(images), path.name))
        rows = [done[path.name] for path in images.values() if path.name in done]
        write_csv(
            folder / TABLE_FILE, [field.name for field in dataclasses.fields(Predicted)], map(dataclasses.astuple, rows)
        )
    return [done[path.name] for path in images.values()]


def _write(
    folder: Path, stem: str, path: Path, source: Slice, probability: NDArray[np.float32], threshold: float
) -> Predicted:
    mask, entropy = probability > threshold, entropy_bits(probability)
    voxels = source.on_grid(mask.astype(np.uint8) * 255)
    if source.volume.spacing_known:
        name = f"{stem}.nrrd"
        write_image(voxels.astype(np.uint8), source.volume.ijk_to_ras, folder / MASKS_FOLDER / name)
    else:
        name = f"{stem}.png"
        write_png(folder / MASKS_FOLDER / name, voxels[0].astype(np.uint8))
    for place, values in ((PROBABILITY_FOLDER, probability), (UNCERTAINTY_FOLDER, entropy)):
        write_image(
            source.on_grid(values).astype(np.float32), source.volume.ijk_to_ras, folder / place / f"{stem}.nrrd"
        )
    return Predicted(path.name, name, float(mask.mean()), float(entropy.mean()), image_score(entropy, mask))


def _read_table(path: Path) -> list[Predicted]:
    if not path.is_file():
        return []
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
    except csv.Error as error:
        raise MedCLIPSegError(f"The table {path} cannot be read as CSV: {quoted(error)}.") from None
    return [from_json(Predicted, {name: cell or None for name, cell in row.items()}) for row in rows]


def entropy_bits(probability: NDArray[np.floating]) -> NDArray[np.float32]:
    """Entropy of foreground and background in bits, 0…1.

    Args:
        probability: of the foreground, 0…1, any shape; of an ensemble the mean of its softmax.
    """
    p = np.clip(probability.astype(np.float64), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return (-p * np.log2(p) - (1 - p) * np.log2(1 - p)).astype(np.float32)


def edge_pixels(mask: NDArray[np.bool_]) -> int:
    """Pixels of the one pixel wide rim around a mask (H, W): its dilation by 3 x 3 without itself."""
    dilated = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return int((dilated & ~mask).sum())


def image_score(entropy: NDArray[np.float32], mask: NDArray[np.bool_]) -> float | None:
    """Uncertainty of an image, 100 · Σ entropy / pixels of the rim; None without a rim (an empty or full mask).

    The published code lets the rim wrap around in 8 bit and so counts each of its pixels 255 times.

    Args:
        entropy: (H, W) in bits.
        mask: (H, W).
    """
    edge = edge_pixels(mask)
    return 100 * float(entropy.sum(dtype=np.float64)) / edge if edge else None
