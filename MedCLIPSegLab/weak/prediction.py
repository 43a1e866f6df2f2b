"""Masks, probabilities and uncertainties of a folder of images, as files on the grids of the images."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.files.replacing import write_csv
from MedCLIPSegLogic.volumes.image_writing import write_image

from .ensemble_entropy import entropy_bits, image_score
from .images import Slice, read_slice, write_png
from .reporting import Report, WeakProgress

MASKS_FOLDER = "masks"
PROBABILITY_FOLDER = "probability"
UNCERTAINTY_FOLDER = "uncertainty"
TABLE_FILE = "images.csv"
IMAGES_AT_ONCE = 32
Predictor = Callable[[Sequence[NDArray[np.uint8]]], Iterable[NDArray[np.float32]]]
"""Probabilities (H, W) of the foreground, 0…1, of images (H, W, 3) uint8, each on its own grid."""


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
    images: dict[str, Path],
    folder: Path,
    get_predictor: Callable[[], Predictor],
    threshold: float,
    report: Report,
    class_name: str = "",
) -> list[Predicted]:
    """Predict the images that are not done yet and write the table of all.

    Pictures get masks as PNG files, images with known pixel size as NRRD files; both hold 0 and 255.

    Args:
        images: files by stem.
        folder: gets ``masks``, ``probability``, ``uncertainty`` (in bits) and ``images.csv``.
        get_predictor: gives the trained network or ensemble; called only if an image is missing.
        threshold: probability above which a pixel is inside.
        report: called after every image.
        class_name: for the report.

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
            report(WeakProgress("predicting", len(done), len(images), path.name, class_name))
        _write_table(folder / TABLE_FILE, [done[path.name] for path in images.values() if path.name in done])
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
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Predicted(
                row["image"],
                row["mask"],
                float(row["share"]),
                float(row["mean_entropy"]),
                float(row["uncertainty_score"]) if row["uncertainty_score"] else None,
            )
            for row in csv.DictReader(file)
        ]


def _write_table(path: Path, rows: Sequence[Predicted]) -> None:
    columns = [field.name for field in dataclasses.fields(Predicted)]
    write_csv(path, columns, map(dataclasses.astuple, rows))
