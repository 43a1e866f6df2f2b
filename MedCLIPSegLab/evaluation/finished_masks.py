"""Scores of a folder of finished masks, whatever made them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.uncertainty import binary_entropy
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import PromptSheet
from ..data.truth import read_truth
from .agreement import agreement
from .finished_files import FinishedFiles, FinishedFolder, files_by_stem
from .pixels import PixelStatistics
from .scoring import Score


@dataclass(frozen=True, eq=False)
class FinishedCase:
    """An image with its finished mask; everything (K, J, I).

    Args:
        volume: the image.
        truth, mask: bool.
        probability: float32, 0…1; None without a map.
        uncertainty: float32, entropy in nats, of the map beside the mask or else of the probability; None without both.
    """

    volume: Volume
    truth: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    probability: NDArray[np.float32] | None
    uncertainty: NDArray[np.float32] | None

    @property
    def mean_uncertainty(self) -> float | None:
        """Nats, inside the mask, or over the image when that is empty."""
        if self.uncertainty is None:
            return None
        seen = self.uncertainty[self.mask] if self.mask.any() else self.uncertainty
        return float(seen.mean(dtype=np.float64))


def paired_rows(images: Path, labels: Path) -> list[SheetRow]:
    """Images and known masks of the same names but for the extension, as rows without a prompt.

    Raises:
        MedCLIPSegError: an image has no mask.
    """
    known = files_by_stem(labels)
    rows = []
    for name, path in files_by_stem(images).items():
        if name not in known:
            raise MedCLIPSegError(f"The image {path} has no mask of the same name in {labels}.")
        rows.append(SheetRow(path.name, "", known[name].name))
    return rows


def find_files(folder: Path, sheet: PromptSheet, rows: Sequence[SheetRow]) -> list[FinishedFiles]:
    """The mask and maps of every row.

    Args:
        folder: see :class:`FinishedFolder`.
        sheet: of the rows.
        rows: of the sheet.

    Raises:
        MedCLIPSegError: a mask is missing, or two rows have the same.
    """
    finished = FinishedFolder(folder)
    files = [finished.files(row) for row in rows]
    if len({(found.mask, found.probability) for found in files}) < len(files):
        raise MedCLIPSegError(
            f"Some images have several prompts in {sheet.path}, but one mask each; give a sheet with one row an image."
        )
    return files


def read_case(sheet: PromptSheet, row: SheetRow, files: FinishedFiles) -> FinishedCase:
    """Read the image of a row, its truth, and what was made of it.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or does not fit the image.
    """
    volume = read_volume(sheet.images / row.image)
    truth = read_truth(sheet.labels / row.ground_truth, row.label_values, volume)
    probability = None if files.probability is None else _map(files.probability, volume, 1.0)
    if files.mask is not None:
        mask = read_truth(files.mask, (), volume)
    else:
        assert probability is not None, "a mask that is no file is cut from a probability"
        mask = probability > files.threshold
    uncertainty: NDArray[np.float32] | None = None
    if files.uncertainty is not None:
        uncertainty = _map(files.uncertainty, volume, files.unit)
    elif probability is not None:
        uncertainty = binary_entropy(torch.from_numpy(probability)).numpy()
    return FinishedCase(volume, truth, mask, probability, uncertainty)


def score_masks(
    sheet: PromptSheet, rows: Sequence[SheetRow], files: Sequence[FinishedFiles], tolerance: float
) -> Iterator[tuple[Score, PixelStatistics]]:
    """Compare finished masks with the known ones of the same images.

    Args:
        sheet: tells where images and known masks are.
        rows: of the sheet.
        files: of the rows.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.

    Yields:
        The score of a row, and what its maps say of the pixels.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or does not fit the image.
    """
    for row, found in zip(rows, files, strict=True):
        case = read_case(sheet, row, found)
        pixels = PixelStatistics.of_maps(case.mask, case.truth, case.probability, case.uncertainty)
        yield (
            Score(
                set=sheet.set,
                style=sheet.style,
                image=row.image,
                prompt=row.description,
                **dataclasses.asdict(agreement(case.mask, case.truth, case.volume, tolerance)),
                mean_uncertainty=case.mean_uncertainty,
                mutual_information_share=None,
                **pixels.values,
                sample_dice=None,
                seconds=None,
            ),
            pixels,
        )


def _map(path: Path, image: Volume, unit: float) -> NDArray[np.float32]:
    """A map (K, J, I) of an image in another unit."""
    volume = read_volume(path)
    if volume.is_color or volume.shape != image.shape:
        raise MedCLIPSegError(f"The map {path} has not as many voxels as its image {image.name}.")
    voxels = volume.voxels.astype(np.float32)
    if not 0 <= float(voxels.min()) <= float(voxels.max()) <= 1 + 1e-6:
        raise MedCLIPSegError(f"The map {path} holds values outside 0 to 1.")
    return voxels * np.float32(unit)
