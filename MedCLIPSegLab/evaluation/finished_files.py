"""Masks that were made before and the maps beside them, by image: what the other commands write."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.json_reading import read_json
from MedCLIPSegLogic.files.scratch import recover
from MedCLIPSegLogic.volumes.readers import READERS

RECORD_FILE = "run.json"
MASKS_FOLDER, PROBABILITY_FOLDER, UNCERTAINTY_FOLDER = "masks", "probability", "uncertainty"
BIT = math.log(2)
"""A bit in nats."""


@dataclass(frozen=True)
class FinishedFiles:
    """What there is of one image.

    Args:
        mask: picture or volume of 0 and 255; None when the mask is the probability above ``threshold``.
        probability: map of 0…1; None without.
        uncertainty: entropy map; None without.
        unit: of the uncertainty, in nats.
        threshold: of the probability.
    """

    mask: Path | None
    probability: Path | None = None
    uncertainty: Path | None = None
    unit: float = 1.0
    threshold: float = 0.5


class FinishedFolder:
    """A folder of masks.

    It holds masks named after the images, perhaps with ``<name>.probability.nrrd`` and ``<name>.uncertainty.nrrd``
    (nats) beside them; or it is a result of ``weak``, whose maps lie in folders of their own (bits); or it holds
    results of ``segment`` or ``zeroshot``, one folder per image, which are found by the image their record names.

    Args:
        folder: to look in.

    Raises:
        MedCLIPSegError: there is no such folder, or a record in it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise MedCLIPSegError(f"There is no folder {folder}.")
        recover(folder)
        self._folder = folder
        self._from_weak = (folder / MASKS_FOLDER).is_dir()
        self._masks = files_by_stem(folder / MASKS_FOLDER if self._from_weak else folder)
        self._runs: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
        for place in [] if self._from_weak else [folder, *sorted(folder.iterdir())]:
            recover(place)
            if (place / RECORD_FILE).is_file():
                record = _read_record(place / RECORD_FILE)
                self._runs.setdefault(stem(_file_name(record["input"])), []).append((place, record))

    def files(self, row: SheetRow) -> FinishedFiles | None:
        """What there is of a row of a sheet; None without a mask, as where a run held its answer back.

        Raises:
            MedCLIPSegError: it is not clear which mask is meant.
        """
        name = stem(row.image)
        runs = self._runs.get(name, [])
        if len(runs) > 1:
            raise MedCLIPSegError(f"{runs[0][0]} and {runs[1][0]} are both results of the image {quoted(row.image)}.")
        if runs:
            return _files_of_run(*runs[0], row)
        if name not in self._masks:
            return None
        if self._from_weak:
            maps = [self._folder / part / f"{name}.nrrd" for part in (PROBABILITY_FOLDER, UNCERTAINTY_FOLDER)]
        else:
            maps = [self._folder / f"{name}.{part}.nrrd" for part in (PROBABILITY_FOLDER, UNCERTAINTY_FOLDER)]
        probability, uncertainty = (path if path.is_file() else None for path in maps)
        return FinishedFiles(self._masks[name], probability, uncertainty, BIT if self._from_weak else 1.0)


def files_by_stem(folder: Path) -> dict[str, Path]:
    """The images of a folder by their names without the extension.

    Raises:
        MedCLIPSegError: there is no such folder.
    """
    if not folder.is_dir():
        raise MedCLIPSegError(f"There is no folder {folder}.")
    known = tuple(READERS)
    return {
        stem(path.name): path
        for path in sorted(folder.iterdir())
        if path.name.lower().endswith(known) and path.name[0] != "."
    }


def stem(name: str) -> str:
    """A file name without the extension of an image."""
    ending = next((known for known in READERS if name.lower().endswith(known)), "")
    return name[: len(name) - len(ending)]


def _file_name(path: str) -> str:
    """The last part of a path as any system writes it."""
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def _read_record(path: Path) -> dict[str, Any]:
    """The record of a run, reduced to what names its files."""
    try:
        record = read_json(path)
        results = [(str(entry["prompt"]), str(entry["slug"])) for entry in record["results"]]
        given = record["threshold"]
        thresholds = [float(value) for value in (given if isinstance(given, list) else [given] * len(results))]
        parts = [(*result, threshold) for result, threshold in zip(results, thresholds, strict=True)]
        return {"input": str(record["input"]), "parts": parts}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MedCLIPSegError(f"The record {path} cannot be read: {quoted(error)}.") from None


def _files_of_run(folder: Path, record: dict[str, Any], row: SheetRow) -> FinishedFiles | None:
    parts = record["parts"]
    if len(parts) != 1:
        parts = [part for part in parts if part[0].casefold() == row.description.casefold()]
    if len(parts) != 1:
        raise MedCLIPSegError(
            f"The result {folder} has several prompts, none of them “{quoted(row.description)}”; give a sheet with "
            "--prompts that has one of them for the image."
        )
    _, slug, threshold = parts[0]
    if _file_name(slug) != slug:
        raise MedCLIPSegError(f"The record {folder / RECORD_FILE} names files outside its folder.")
    probability, uncertainty = folder / f"{slug}.probability.nrrd", folder / f"{slug}.uncertainty.nrrd"
    if not probability.is_file():
        return None
    return FinishedFiles(None, probability, uncertainty if uncertainty.is_file() else None, threshold=threshold)
