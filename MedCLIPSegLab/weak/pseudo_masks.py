"""Pseudo-masks of images without training data, as a training set in MedCLIPSeg's layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.checked import checked, from_json
from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult
from MedCLIPSegLogic.datasets.sheets import REQUIRED_COLUMNS
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.json_reading import read_json
from MedCLIPSegLogic.files.replacing import write_csv, write_json
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.runs.choices import RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import prepare
from MedCLIPSegLogic.volumes.volume import Volume

from .images import ClassImages, PromptedImage, read_slice, write_png
from .reporting import Report, WeakProgress

TRAIN_FOLDER = "Train_Folder"
SHEET = "Train_text.csv"
MakeMask = Callable[[Volume, tuple[str, ...]], tuple[NDArray[np.bool_], tuple[dict[str, Any], ...]]]
"""Makes the mask (K, J, I) of the prompts in an image, their union, and tells what became of each, ready for JSON."""


@checked
@dataclass(frozen=True)
class PseudoRecord:
    """What is known of the pseudo-mask of an image; kept beside it.

    Args:
        image: file name of the source.
        prompts: texts.
        share: part of the image inside the mask, 0…1.
        findings: what became of each prompt.
    """

    image: str
    prompts: tuple[str, ...]
    share: float
    findings: tuple[dict[str, Any], ...]


def zero_shot_masks(choices: RunChoices, models: Models) -> MakeMask:
    """The masks of a method without training data.

    Args:
        choices: the method and all that goes with it.
        models: keeps towers and SAM from image to image.
    """

    def make(volume: Volume, prompts: tuple[str, ...]) -> tuple[NDArray[np.bool_], tuple[dict[str, Any], ...]]:
        result = to_the_end(models.events(prepare(volume, prompts, choices)))
        assert isinstance(result, ZeroShotResult)
        mask = np.any([prompt.mask > 0 for prompt in result.prompts], axis=0)
        return mask, tuple(findings[0].record() for findings in result.findings)

    return make


def make_pseudo_set(
    folder: Path, images: ClassImages, get_maker: Callable[[], MakeMask], leave_out_empty: bool, report: Report
) -> list[PseudoRecord]:
    """Make the masks that are not there yet, and the sheet of all of them.

    ``Train_Folder/img`` gets the images as they are displayed, 8 bit in colors, ``label`` their masks of 0 and 255 and
    ``record`` what was found; the sheet is ``Prompts_Folder/Train_text.csv``. All are named by the stems of the images.

    Args:
        folder: of the training set.
        images: of the class.
        get_maker: gives what makes the masks; called only if one is missing.
        leave_out_empty: keep images with an empty mask out of the sheet.
        report: called after every image.

    Returns:
        The records, in the order of the images.

    Raises:
        MedCLIPSegError: an image cannot be used, or all masks are empty; masks that were made are kept.
    """
    part = folder / TRAIN_FOLDER
    places = [part / "img", part / "label", part / "record", folder / "Prompts_Folder"]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    records: list[PseudoRecord] = []
    maker: MakeMask | None = None
    for number, image in enumerate(images.images, start=1):
        record = _read_record(part / "record" / f"{image.stem}.json")
        if record is None:
            maker = maker or get_maker()
            record = _make(part, image, maker)
        records.append(record)
        found = f"{record.share:.1%} of the image" if record.share else "nothing found"
        report(WeakProgress("pseudo-masks", number, len(images.images), f"{record.image}: {found}"))
    if not any(record.share for record in records):
        what = f"the class {images.name}" if images.name else f"“{images.images[0].prompts[0]}”"
        raise MedCLIPSegError(
            f"The pseudo-masks of {what} are empty in all {len(records)} images, so there is nothing to learn; "
            "use other prompts or another model, and another folder."
        )
    rows = (
        (f"{image.stem}.png", " ".join(record.prompts), f"{image.stem}.png")
        for image, record in zip(images.images, records, strict=True)
        if record.share or not leave_out_empty
    )
    write_csv(folder / "Prompts_Folder" / SHEET, REQUIRED_COLUMNS, rows)
    return records


def _make(part: Path, image: PromptedImage, maker: MakeMask) -> PseudoRecord:
    """Write image, mask and, as the sign that both are there, record."""
    source = read_slice(image.path)
    made, findings = maker(source.volume, image.prompts)
    mask = source.axis.extract(made, 0)
    write_png(part / "img" / f"{image.stem}.png", source.pixels)
    write_png(part / "label" / f"{image.stem}.png", mask.astype(np.uint8) * 255)
    record = PseudoRecord(image.path.name, image.prompts, float(mask.mean()), findings)
    write_json(part / "record" / f"{image.stem}.json", asdict(record))
    return record


def _read_record(path: Path) -> PseudoRecord | None:
    """The record of a mask that was made; None when it is missing or damaged."""
    try:
        return from_json(PseudoRecord, read_json(path))
    except (MedCLIPSegError, OSError):
        return None
