"""Evaluate a folder of finished masks, whatever made them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.staging import check_free
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import ORIGINAL, PromptSheet, find_sheets
from ..data.truth import read_truth
from .finished_files import FinishedFiles, FinishedFolder, files_by_stem
from .settings import METRICS_FILE, MaskSettings

if TYPE_CHECKING:
    from .evaluation_folder import Progress
    from .scoring import Case


def evaluate_masks(
    masks: str | Path,
    out: str | Path,
    images: str | Path | None = None,
    labels: str | Path | None = None,
    prompts: str | Path | None = None,
    data: str | Path | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Compare a folder of masks with the known ones; what is missing is left out and named.

    Args:
        masks: folder of masks of 0 and 255 named after the images, a result of ``weak``, or a folder of results of
            ``segment`` or ``zeroshot``; probability and uncertainty maps that lie there are evaluated too.
        out: folder for ``metrics.csv`` (one row per mask), ``metrics.json`` and ``report.html``, as of ``evaluate``.
        images, labels: folders of the images and the known masks.
        prompts: sheet that pairs them; None pairs them by name.
        data: data set folder in MedCLIPSeg's layout, instead of the three.
        overwrite: replace an earlier evaluation in ``out``.
        progress: called after every image with its number from 1, their number and its score.
        choices: ``split``, ``tolerance``, ``limit`` and ``threads``, see :class:`MaskSettings`.

    Returns:
        What ``metrics.json`` holds, with the names of images ``without_mask`` and ``without_known_mask``.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    settings, folder = MaskSettings(**choices), Path(masks)
    check_free(Path(out), overwrite, METRICS_FILE)
    unknown: list[str] = []
    if data is not None:
        [sheet] = find_sheets([Path(data)], [ORIGINAL], settings.split)
        rows = sheet.rows()
    elif images is not None and labels is not None:
        path = Path(prompts) if prompts is not None else Path()
        sheet = PromptSheet(path.stem or folder.resolve().name, "", path, Path(images), Path(labels))
        rows, unknown = (sheet.rows(), []) if prompts is not None else _paired_rows(sheet.images, sheet.labels)
    else:
        raise MedCLIPSegError("Give either --data, or --images and --labels.")
    rows = rows[: settings.limit]
    files = _find_files(folder, sheet, rows)
    without = [row.image for row in rows if row not in files]
    rows = [row for row in rows if row in files]
    if not rows:
        raise MedCLIPSegError(
            f"{folder} holds no mask of an image with a known mask; name masks after their images, or give a folder of "
            "results."
        )
    sheet.require_files(rows)
    from MedCLIPSegLogic.inference.threads import threads_for

    from .evaluation_folder import write_evaluation

    about = {"masks": folder.resolve().name, "without_mask": without, "without_known_mask": unknown}
    with threads_for(settings.threads):
        return write_evaluation(
            Path(out),
            overwrite,
            settings,
            about,
            [(sheet, rows)],
            lambda sheet, row: _read_case(sheet, row, files[row]),
            progress,
        )


def _paired_rows(images: Path, labels: Path) -> tuple[list[SheetRow], list[str]]:
    """Images and known masks of the same name but for the extension, as rows without a prompt; and the other images."""
    known, paths = files_by_stem(labels), files_by_stem(images)
    rows = [SheetRow(path.name, "", known[name].name) for name, path in paths.items() if name in known]
    return rows, [path.name for name, path in paths.items() if name not in known]


def _find_files(folder: Path, sheet: PromptSheet, rows: Sequence[SheetRow]) -> dict[SheetRow, FinishedFiles]:
    """The mask and maps of the rows of a sheet that have a mask."""
    finished = FinishedFolder(folder)
    files = {row: found for row in rows if (found := finished.files(row)) is not None}
    if len({(found.mask, found.probability) for found in files.values()}) < len(files):
        raise MedCLIPSegError(
            f"Some images have several prompts in {sheet.path}, but one mask each; give a sheet with one row per image."
        )
    return files


def _read_case(sheet: PromptSheet, row: SheetRow, files: FinishedFiles) -> Case:
    """The image of a row, its truth, and what was made of it; without an uncertainty that of the probability."""
    import torch

    from MedCLIPSegLogic.inference.uncertainty import binary_entropy

    from .scoring import Case

    volume = sheet.image(row)
    truth = sheet.truth(row, volume)
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
    mean = None
    if uncertainty is not None:
        mean = float((uncertainty[mask] if mask.any() else uncertainty).mean(dtype=np.float64))
    return Case(volume, truth, mask, probability, uncertainty, mean)


def _map(path: Path, image: Volume, unit: float) -> NDArray[np.float32]:
    """A map (K, J, I) of an image in another unit."""
    volume = read_volume(path)
    if volume.is_color or volume.shape != image.shape:
        raise MedCLIPSegError(f"The map {path} has not as many voxels as its image {image.name}.")
    voxels = volume.voxels.astype(np.float32)
    if not 0 <= float(voxels.min()) <= float(voxels.max()) <= 1 + 1e-6:
        raise MedCLIPSegError(f"The map {path} holds values outside 0 to 1.")
    return voxels * np.float32(unit)
