"""Scores of a folder of finished masks, whatever made them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..datasets.sheets import SheetRow
from ..datasets.truth import read_truth
from ..errors import MedCLIPSegError
from ..volumes.readers import READERS, read_volume
from ..volumes.volume import Volume
from .agreement import Agreement, agreement
from .pixels import ErrorDetection
from .prompt_sheets import PromptSheet

MASKS_FOLDER, UNCERTAINTY_FOLDER = "masks", "uncertainty"
BITS = math.log(2)
"""Nats in a bit."""


@dataclass(frozen=True)
class MaskScore(Agreement):
    """Result of one mask; see also :class:`Agreement`.

    Args:
        image, prompt: the row of the sheet; the prompt is empty without one.
        mean_uncertainty: mean over the image of its entropy map in nats, as of all other uncertainties; None without.
        auroc_entropy: of the entropy for wrong pixels.
        aurc: area under the risk-coverage curve of the pixels by entropy; None without a map.
    """

    image: str
    prompt: str
    mean_uncertainty: float | None
    auroc_entropy: float | None
    aurc: float | None


def paired_rows(images: Path, labels: Path) -> list[SheetRow]:
    """Images and known masks of the same names but for the extension, as rows without a prompt.

    Raises:
        MedCLIPSegError: an image has no mask.
    """
    known = _by_stem(labels)
    rows = []
    for stem, path in _by_stem(images).items():
        if stem not in known:
            raise MedCLIPSegError(f"The image {path} has no mask of the same name in {labels}.")
        rows.append(SheetRow(path.name, "", known[stem].name))
    return rows


def score_masks(
    folder: Path, sheet: PromptSheet, rows: list[SheetRow], tolerance: float
) -> Iterator[tuple[MaskScore, ErrorDetection | None]]:
    """Compare the masks of a folder with the known ones of the same images.

    Args:
        folder: of masks of 0 and 255 named after the images, or a result of ``weak`` with ``masks`` and perhaps
            ``uncertainty`` (entropy in bits) in it.
        sheet: tells where images and known masks are.
        rows: of the sheet.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.

    Yields:
        The score of a row, and what its entropy map says of the wrong pixels; None without a map.

    Raises:
        MedCLIPSegError: a mask is missing or does not fit its image.
    """
    masks = _by_stem(folder / MASKS_FOLDER if (folder / MASKS_FOLDER).is_dir() else folder)
    entropies = _by_stem(folder / UNCERTAINTY_FOLDER) if (folder / UNCERTAINTY_FOLDER).is_dir() else {}
    for row in rows:
        stem = _stem(row.image)
        if stem not in masks:
            raise MedCLIPSegError(f"There is no mask of the image {row.image} in {folder}.")
        volume = read_volume(sheet.images / row.image)
        truth = read_truth(sheet.labels / row.ground_truth, row.label_values, volume)
        prediction = read_truth(masks[stem], (), volume)
        detection, mean = None, None
        if stem in entropies:
            entropy = _entropy(entropies[stem], volume)
            detection, mean = ErrorDetection.of(entropy, prediction != truth), float(entropy.mean(dtype=np.float64))
        yield (
            MaskScore(
                **dataclasses.asdict(agreement(prediction, truth, volume, tolerance)),
                image=row.image,
                prompt=row.description,
                mean_uncertainty=mean,
                auroc_entropy=detection.auroc if detection else None,
                aurc=detection.aurc if detection else None,
            ),
            detection,
        )


def _entropy(path: Path, image: Volume) -> NDArray[np.float32]:
    """Entropy in nats (K, J, I) from a map in bits."""
    volume = read_volume(path)
    if volume.is_color or volume.shape != image.shape:
        raise MedCLIPSegError(f"The uncertainty {path} has not as many voxels as its image {image.name}.")
    return volume.voxels.astype(np.float32) * np.float32(BITS)


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise MedCLIPSegError(f"There is no folder {folder}.")
    known = tuple(READERS)
    return {_stem(path.name): path for path in sorted(folder.iterdir()) if path.name.lower().endswith(known)}


def _stem(name: str) -> str:
    ending = next((known for known in READERS if name.lower().endswith(known)), "")
    return name[: len(name) - len(ending)]
