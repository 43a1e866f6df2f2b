"""New cases for training sets in MedCLIPSeg's layout."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..files.moving import move_into_place
from ..files.replacing import WAIT_SECONDS, write_json
from ..files.scratch import recover, scratch_folder
from ..files.slugs import free_name, slugs
from ..files.staging import made_folder
from ..named_files import unicode_name
from ..volumes.intensity import default_rule, resolve
from ..volumes.itk_images import quiet_itk, to_image
from ..volumes.readers import read_volume
from ..volumes.volume import Volume, is_sheared
from .sheets import with_row

Split = Literal["Train", "Val", "Test"]
MakeRecord = Callable[[Sequence[str]], Mapping[str, Any]]
"""Makes the JSON record of a case from the names of its files, relative to the set."""


def append_training_row(
    folder: Path,
    split: Split,
    image: Volume,
    mask: NDArray[np.uint8],
    prompt: str,
    make_record: MakeRecord | None = None,
) -> Path:
    """Add an image, its mask and its prompt to a training set; the set is made when missing.

    Single slices of color and pictures without pixel size become 8-bit PNG files, others NIfTI files, or NRRD files
    where NIfTI doesn't fit (color, tilted slices). Masks hold 0 and 255. The prompt goes to
    ``Prompts_Folder/<split>_text.csv``, the record to ``<split>_Folder/record/<mask>.json``. An image that is in the
    set already isn't stored again. No file but the sheet is ever replaced: a name that is taken gets a number.

    Args:
        folder: of the set, with or without the folders of the layout.
        split: part of the set.
        image: (K, J, I) or (K, J, I, 3).
        mask: (K, J, I) of 0 and 1.
        prompt: what the mask shows.
        make_record: tells where the case comes from; None for no record.

    Returns:
        The sheet.

    Raises:
        MedCLIPSegError: the prompt is empty, the mask doesn't fit, the sheet is damaged, has other columns or is an
            .xlsx file, the folder has no name in Unicode, or a file can't be written; nothing was added then.
    """
    if split not in get_args(Split):
        raise MedCLIPSegError(f"“{split}” is no part of a training set; choose Train, Val or Test.")
    text = " ".join(prompt.split())
    if not text:
        raise MedCLIPSegError("The prompt is empty; type what the mask shows.")
    if mask.shape != image.shape:
        raise MedCLIPSegError(f"The mask has another size than the image “{image.name}”; segment the image again.")
    unicode_name(folder)
    sheet = folder / "Prompts_Folder" / f"{split}_text.csv"
    part = folder / f"{split}_Folder"
    places = [part / "img", part / "label", sheet.parent] + ([part / "record"] if make_record is not None else [])
    try:
        with ExitStack() as stack:
            for place in places:
                stack.enter_context(made_folder(place))
            recover(folder)
            staging = stack.enter_context(scratch_folder(folder / "case", WAIT_SECONDS))
            _add(staging, sheet, part, image, mask, text, make_record)
    except (OSError, RuntimeError) as error:
        if isinstance(error, MedCLIPSegError):
            raise
        reason = getattr(error, "strerror", None)
        because = f" ({reason})" if reason else ""
        raise MedCLIPSegError(
            f"The case can't be added to {folder}{because}: check free space and permissions."
        ) from error
    return sheet


def _add(
    staging: Path,
    sheet: Path,
    part: Path,
    image: Volume,
    mask: NDArray[np.uint8],
    prompt: str,
    make_record: MakeRecord | None,
) -> None:
    """Write everything beside its place, then move it there, the sheet last; undone when that fails."""
    ending = _ending(image)
    stem = slugs([image.name])[0]
    images, labels, records = part / "img", part / "label", part / "record"
    fresh_image, fresh_mask, fresh_sheet = staging / f"image{ending}", staging / f"mask{ending}", staging / sheet.name
    content = _write(image.voxels, image, fresh_image)
    _write(mask * np.uint8(255), image, fresh_mask)
    image_path = _place_of_image(fresh_image, content, images, stem, ending)
    image_name = image_path.name
    mask_name = _free_in(labels, image_name.removesuffix(ending), ending)
    fresh_sheet.write_bytes(with_row(sheet, image_name, prompt, mask_name))
    moves = [] if image_path.exists() else [(fresh_image, image_path)]
    moves.append((fresh_mask, labels / mask_name))
    if make_record is not None:
        fresh_record = staging / "record.json"
        files = [
            (folder / name).relative_to(part.parent).as_posix()
            for folder, name in ((images, image_name), (labels, mask_name))
        ]
        write_json(fresh_record, make_record(files))
        record_name = _free_in(records, mask_name.removesuffix(ending), ".json")
        moves.append((fresh_record, records / record_name))
    move_into_place([*moves, (fresh_sheet, sheet)], [], staging)


def _ending(image: Volume) -> str:
    if image.shape[0] == 1 and (image.is_color or not image.spacing_known):
        return ".png"
    return ".nrrd" if image.is_color or is_sheared(image.ijk_to_ras) else ".nii.gz"


def _write(voxels: NDArray[np.generic], image: Volume, path: Path) -> str:
    """Write an image or its mask in the format of the file's ending; return the content hash of what it holds."""
    with quiet_itk():
        if path.name.endswith(".png"):
            picture = voxels[0]
            if picture.dtype != np.uint8:
                picture = resolve(default_rule(image), image).apply(picture)
            sitk.WriteImage(sitk.GetImageFromArray(picture, isVector=picture.ndim == 3), str(path))
        else:
            sitk.WriteImage(_with_geometry(voxels, image), str(path), useCompression=True)
    try:
        return read_volume(path).content_hash
    except MedCLIPSegError as error:  # writers don't notice a full disk
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def _with_geometry(voxels: NDArray[np.generic], image: Volume) -> sitk.Image:
    if voxels.ndim == 3:
        return to_image(voxels, image.ijk_to_ras)
    colors = sitk.GetImageFromArray(voxels, isVector=True)
    colors.CopyInformation(to_image(voxels[..., 0], image.ijk_to_ras))
    return colors


def _place_of_image(fresh: Path, content: str, images: Path, stem: str, ending: str) -> Path:
    """The file of the set with the same image, or else a new name for it."""

    def is_another(name: str) -> bool:
        path = images / name
        if not path.exists():
            return False
        # Files of another size can't be the same: the same writer wrote the same voxels.
        return path.stat().st_size != fresh.stat().st_size or read_volume(path).content_hash != content

    return images / free_name(stem, ending, is_another)


def _free_in(folder: Path, stem: str, ending: str) -> str:
    return free_name(stem, ending, lambda name: (folder / name).exists())
