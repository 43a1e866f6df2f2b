"""Densities and orientation tags of pictures against SimpleITK."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from MedCLIPSegLogic.volumes.itk_images import image_matrix
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS

ORIENTATION, X_DENSITY, Y_DENSITY, UNIT = 274, 282, 283, 296
PIXELS = (np.arange(35).reshape(5, 7) * 5).astype(np.uint8)
"""Every pixel has a value of its own."""

TIFF_TAGS: dict[str, dict[int, Any]] = {
    "inch": {X_DENSITY: IFDRational(300), Y_DENSITY: IFDRational(300), UNIT: 2},
    "cm": {X_DENSITY: IFDRational(1, 3), Y_DENSITY: IFDRational(10, 7), UNIT: 3},
    "no unit": {X_DENSITY: IFDRational(300), Y_DENSITY: IFDRational(300), UNIT: 1},
    "unit untold": {X_DENSITY: IFDRational(300), Y_DENSITY: IFDRational(300)},
    "unknown unit": {X_DENSITY: IFDRational(300), Y_DENSITY: IFDRational(300), UNIT: 9},
    "one only": {X_DENSITY: IFDRational(300), UNIT: 2},
    "zero": {X_DENSITY: IFDRational(0), Y_DENSITY: IFDRational(300), UNIT: 2},
    "absurd": {X_DENSITY: IFDRational(2**32 - 1), Y_DENSITY: IFDRational(1, 2**32 - 1), UNIT: 2},
    "none": {},
}
JFIF = {
    "none": (0, 1, 1),
    "aspect": (0, 2, 1),
    "96 dpi": (1, 96, 96),
    "anisotropic": (1, 72, 300),
    "dots per cm": (2, 40, 40),
    "zero": (1, 0, 72),
    "absurd": (1, 65535, 1),
    "unknown unit": (7, 96, 96),
}


def write_jpeg(path: Path, unit: int, x: int, y: int, **options: Any) -> Path:
    Image.fromarray(PIXELS).save(path, quality=100, **options)
    content = bytearray(path.read_bytes())
    assert content[6:10] == b"JFIF"
    content[13:18] = struct.pack(">BHH", unit, x, y)
    path.write_bytes(content)
    return path


def write_png(path: Path, unit: int, x: int, y: int) -> Path:
    Image.fromarray(PIXELS).save(path)
    chunk = b"pHYs" + struct.pack(">IIB", x, y, unit)
    content = path.read_bytes()
    chunk = struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(content[:33] + chunk + content[33:])
    return path


def write_bmp(path: Path, x: int, y: int) -> Path:
    Image.fromarray(PIXELS).save(path)
    content = bytearray(path.read_bytes())
    content[38:46] = struct.pack("<ii", x, y)
    path.write_bytes(content)
    return path


def require_on_picture(path: Path) -> None:
    """Make sure that every pixel lies where ITK shows one of its value."""
    ours, image = read_volume(path), sitk.ReadImage(str(path))
    values = sitk.GetArrayFromImage(image)
    theirs = values.reshape(-1, *PIXELS.shape, values.shape[-1] if image.GetNumberOfComponentsPerPixel() > 1 else 1)
    to_theirs = np.linalg.inv(image_matrix(image)) @ ours.ijk_to_ras
    for j, i in np.ndindex(ours.shape[1:]):
        place = to_theirs @ (i, j, 0, 1)
        np.testing.assert_allclose(place, np.rint(place), rtol=0, atol=1e-4)
        x, y, z = np.rint(place[:3]).astype(int)
        assert min(x, y, z) >= 0
        assert abs(int(theirs[z, y, x, 0]) - int(ours.voxels[0, j, i])) <= 2
    assert not ours.spacing_known
    assert ours.known_spacing == (1, 1, 1)


@pytest.mark.parametrize("density", JFIF)
def test_density_of_jpeg(tmp_path: Path, density: str) -> None:
    require_on_picture(write_jpeg(tmp_path / "a.jpg", *JFIF[density]))


def test_density_of_exif_alone_does_not_count(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[X_DENSITY], exif[Y_DENSITY], exif[UNIT] = 300.0, 300.0, 2
    require_on_picture(write_jpeg(tmp_path / "a.jpg", 0, 1, 1, exif=exif))


@pytest.mark.parametrize("density", [(1, 11811, 11811), (1, 11811, 5905), (0, 3, 2), (1, 0, 0), (1, 2**31 - 1, 1)])
def test_density_of_png(tmp_path: Path, density: tuple[int, int, int]) -> None:
    require_on_picture(write_png(tmp_path / "a.png", *density))


@pytest.mark.parametrize("density", [(3780, 3780), (0, 3780), (-3780, 1000), (2**31 - 1, 1)])
def test_density_of_bmp(tmp_path: Path, density: tuple[int, int]) -> None:
    require_on_picture(write_bmp(tmp_path / "a.bmp", *density))


@pytest.mark.parametrize("tags", TIFF_TAGS)
def test_density_of_tiff(tmp_path: Path, tags: str) -> None:
    for pages in (1, 3):
        first, *others = [Image.fromarray(PIXELS)] * pages
        first.save(tmp_path / "a.tif", tiffinfo=TIFF_TAGS[tags], save_all=pages > 1, append_images=others)
        require_on_picture(tmp_path / "a.tif")
        assert read_volume(tmp_path / "a.tif").shape == (pages, 5, 7)


def test_density_that_itk_fails_on_is_none(tmp_path: Path) -> None:
    tags = {X_DENSITY: IFDRational(1, 0), Y_DENSITY: IFDRational(1, 0), UNIT: 2}
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", tiffinfo=tags)
    np.testing.assert_array_equal(read_volume(tmp_path / "a.tif").ijk_to_ras, PICTURE_IJK_TO_RAS)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_lie_on_what_itk_shows(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    require_on_picture(write_jpeg(tmp_path / "a.jpg", 1, 72, 96, exif=exif))
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    require_on_picture(tmp_path / "a.png")
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", tiffinfo={**TIFF_TAGS["cm"], ORIENTATION: orientation})
    require_on_picture(tmp_path / "a.tif")


def test_neither_density_nor_place_changes_what_a_model_sees_or_the_hash(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    turned = read_volume(write_jpeg(tmp_path / "a.jpg", 1, 72, 300, exif=exif))
    axis = choose_axis(turned, "auto")
    np.testing.assert_array_equal(axis.extract(turned.voxels, 0), turned.voxels[0])
    assert axis.pixel_spacing == (1, 1)
    plain, dense = tmp_path / "plain.png", tmp_path / "dense.tif"
    Image.fromarray(PIXELS).save(plain)
    Image.fromarray(PIXELS).save(dense, dpi=(300, 300))
    assert read_volume(dense).spacing != read_volume(plain).spacing
    assert read_volume(dense).content_hash == read_volume(plain).content_hash
