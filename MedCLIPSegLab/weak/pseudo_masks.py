"""Pseudo-masks of images without training data, as a training set in MedCLIPSeg's layout."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult
from MedCLIPSegLogic.datasets.sheets import REQUIRED_COLUMNS
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import replacing, write_text
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.runs.choices import RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import prepare
from MedCLIPSegLogic.volumes.volume import Volume

from .images import ClassImages, PromptedImage, read_slice
from .progress import Report, WeakProgress

TRAIN_FOLDER = "Train_Folder"
SHEET = "Train_text.csv"


@dataclass(frozen=True, eq=False)
class PseudoMask:
    """What the zero-shot chain made of an image.

    Args:
        mask: (K, J, I) bool; the union over the prompts.
        findings: what became of each prompt, ready for JSON.
    """

    mask: NDArray[np.bool_]
    findings: tuple[dict[str, Any], ...]


MakeMask = Callable[[Volume, tuple[str, ...]], PseudoMask]
"""Makes the mask of the prompts in an image."""


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

    def make(volume: Volume, prompts: tuple[str, ...]) -> PseudoMask:
        result = to_the_end(models.events(prepare(volume, prompts, choices)))
        assert isinstance(result, ZeroShotResult)
        mask = np.any([prompt.mask > 0 for prompt in result.prompts], axis=0)
        return PseudoMask(mask, tuple(findings[0].record() for findings in result.findings))

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
        report(WeakProgress("pseudo-masks", number, len(images.images), f"{record.image}: {found}", images.name))
    if not any(record.share for record in records):
        what = f"the class {images.name}" if images.name else f"“{images.images[0].prompts[0]}”"
        raise MedCLIPSegError(
            f"The pseudo-masks of {what} are empty in all {len(records)} images, so there is nothing to learn; "
            "use other prompts or another model, and another folder."
        )
    _write_sheet(folder / "Prompts_Folder" / SHEET, images.images, records, leave_out_empty)
    return records


def _make(part: Path, image: PromptedImage, maker: MakeMask) -> PseudoRecord:
    """Write image, mask and, as the sign that both are there, record."""
    source = read_slice(image.path)
    made = maker(source.volume, image.prompts)
    mask = source.axis.extract(made.mask, 0)
    _save_png(part / "img" / f"{image.stem}.png", source.pixels)
    _save_png(part / "label" / f"{image.stem}.png", mask.astype(np.uint8) * 255)
    record = PseudoRecord(image.path.name, image.prompts, float(mask.mean()), made.findings)
    text = json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n"
    write_text(part / "record" / f"{image.stem}.json", text)
    return record


def _read_record(path: Path) -> PseudoRecord | None:
    """The record of a mask that was made; None when it is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return PseudoRecord(
            record["image"], tuple(record["prompts"]), float(record["share"]), tuple(record["findings"])
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write_sheet(
    path: Path, images: Sequence[PromptedImage], records: Sequence[PseudoRecord], leave_out_empty: bool
) -> None:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(REQUIRED_COLUMNS)
    for image, record in zip(images, records, strict=True):
        if record.share or not leave_out_empty:
            writer.writerow([f"{image.stem}.png", " ".join(record.prompts), f"{image.stem}.png"])
    write_text(path, lines.getvalue())


def _save_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    with replacing(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")
