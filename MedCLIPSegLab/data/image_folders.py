"""Image files of data sets and of other folders."""

from __future__ import annotations

from pathlib import Path

from MedCLIPSegLogic.errors import MedCLIPSegError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")


def images_of(folder: Path, split: str) -> list[Path]:
    """Image files of a folder, by name.

    Args:
        folder: data set, of which the images of the split are taken, or a folder of images.
        split: "Train", "Val" or "Test".

    Raises:
        MedCLIPSegError: there is none.
    """
    places = (folder / f"{split}_Folder" / "img", folder / "img", folder)
    place = next((place for place in places if place.is_dir()), folder)
    files = sorted(path for path in place.glob("*") if path.name.lower().endswith(ENDINGS) and path.is_file())
    if not files:
        raise MedCLIPSegError(f"There is no image in {place}; give a data set or a folder of images.")
    return files
