from __future__ import annotations

import struct
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS

ORIENTATION_TAG = 274
GREY = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (5, 7), dtype=np.uint16)
COLOR = np.random.default_rng(2).integers(0, 256, (5, 7, 3), dtype=np.uint8)
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored),
}


def test_lossless_pictures(tmp_path: Path) -> None:
    endings = ("png", "PNG", "bmp", "tif", "tiff")
    for ending, pixels in [*product(endings, (GREY, COLOR)), ("png", DEEP), ("tif", DEEP)]:
        Image.fromarray(pixels).save(tmp_path / f"lesion.{ending}")
        read = read_volume(tmp_path / f"lesion.{ending}")
        np.testing.assert_array_equal(read.voxels, pixels[None])
        np.testing.assert_array_equal(read.ijk_to_ras, PICTURE_IJK_TO_RAS)
        assert read.voxels.dtype == pixels.dtype
        assert read.name == "lesion"
        assert not read.spacing_known


def test_jpeg(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.jpeg"):
        Image.new("RGB", (16, 8), (200, 30, 90)).save(tmp_path / name, quality=100, subsampling=0)
        read = read_volume(tmp_path / name)
        assert read.voxels.shape == (1, 8, 16, 3)
        np.testing.assert_allclose(read.voxels.astype(int) - (200, 30, 90), 0, atol=2)


def test_other_grey_types_of_tiff(tmp_path: Path) -> None:
    for dtype in (np.int16, np.uint32, np.float32):
        values = np.array([[0, 1, 2**15 - 1], [7, 2**14, 3]]).astype(dtype)
        values[0, 0] = np.uint32(2**32 - 1) if dtype is np.uint32 else -3
        sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "a.tif"))
        np.testing.assert_array_equal(read_volume(tmp_path / "a.tif").voxels, values[None])


def test_1_bit_becomes_0_and_255_and_a_palette_rgb(tmp_path: Path) -> None:
    bits, picture = Image.fromarray(GREY > 99), Image.fromarray(GREY % 4, "P")
    colors = [[0, 0, 0], [10, 20, 30], [200, 100, 50], [255, 255, 255]]
    picture.putpalette([value for color in colors for value in color])
    for name in ("a.png", "a.bmp", "a.tif"):
        bits.save(tmp_path / name)
        read = read_volume(tmp_path / name)
        np.testing.assert_array_equal(read.voxels, np.where(GREY > 99, 255, 0)[None])
        assert read.voxels.dtype == np.uint8
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(read_volume(tmp_path / name).voxels, np.array(colors)[GREY % 4][None])


def test_16_bit_color_is_scaled_to_8_bits(tmp_path: Path) -> None:
    deep = np.dstack([DEEP, DEEP[::-1], DEEP[:, ::-1]])
    for name in ("a.png", "a.tif"):
        sitk.WriteImage(sitk.GetImageFromArray(deep, isVector=True), str(tmp_path / name))
        read = read_volume(tmp_path / name)
        assert read.voxels.dtype == np.uint8
        np.testing.assert_allclose(read.voxels[0], deep / 257, rtol=0, atol=1)


def test_orientation_tag_is_applied(tmp_path: Path) -> None:
    for (orientation, upright), pixels, name in product(UPRIGHT.items(), (GREY, DEEP, COLOR), ("a.png", "a.tif")):
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = orientation
        Image.fromarray(pixels).save(tmp_path / name, exif=exif)
        np.testing.assert_array_equal(read_volume(tmp_path / name).voxels[0], upright(pixels))


def test_orientation_tag_of_jpeg_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    stored = np.zeros((8, 16), dtype=np.uint8)
    stored[:, 8:] = 255
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=100)
    np.testing.assert_array_equal(read_volume(tmp_path / "a.jpg").voxels[0], stored.T)


def test_white_is_zero_tiff_is_inverted(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.uint16):
        stored = np.arange(6, dtype=dtype).reshape(2, 3)
        Image.fromarray(stored).save(tmp_path / "a.tif", tiffinfo={262: 0})
        # Pillow writes the pixels of white-is-zero files inverted for 8 bits only.
        expected = stored if dtype is np.uint8 else np.iinfo(dtype).max - stored
        assert b"\x06\x01\x03\x00\x01\x00\x00\x00\x00\x00" in (tmp_path / "a.tif").read_bytes()
        np.testing.assert_array_equal(read_volume(tmp_path / "a.tif").voxels[0], expected)


def test_pages_of_tiff_become_slices(tmp_path: Path) -> None:
    for pixels, compression in product((GREY, DEEP, COLOR), (None, "tiff_lzw")):
        pages = [pixels, pixels[::-1].copy(), pixels[:, ::-1].copy()]
        first, *others = [Image.fromarray(page) for page in pages]
        first.save(tmp_path / "a.tif", save_all=True, append_images=others, compression=compression)
        read = read_volume(tmp_path / "a.tif")
        np.testing.assert_array_equal(read.voxels, np.stack(pages))
        np.testing.assert_array_equal(read.ijk_to_ras, PICTURE_IJK_TO_RAS)
        assert not read.spacing_known


def test_deep_colors_stored_plane_by_plane_are_refused(tmp_path: Path) -> None:
    short, long, entries, data = 3, 4, 10, 200
    tags = [
        (256, long, 1, 2),
        (257, long, 1, 1),
        (258, short, 3, data),
        (259, short, 1, 1),
        (262, short, 1, 2),
        (273, long, 3, data + 6),
        (277, short, 1, 3),
        (278, long, 1, 1),
        (279, long, 3, data + 18),
        (284, short, 1, 2),
    ]
    content = b"II*\0" + struct.pack("<IH", 8, entries) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    content = content.ljust(data, b"\0") + struct.pack("<3H6I6H", 16, 16, 16, 230, 234, 238, 4, 4, 4, *range(6))
    (tmp_path / "deep.tif").write_bytes(content)
    with pytest.raises(MedCLIPSegError, match=r"deep\.tif could not be read"):
        read_volume(tmp_path / "deep.tif")


def test_pages_of_different_size_are_refused(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(GREY[:3])])
    with pytest.raises(MedCLIPSegError, match=r"a\.tif holds pages of different sizes"):
        read_volume(tmp_path / "a.tif")


@pytest.mark.filterwarnings("ignore:Truncated File Read")
def test_tiff_cut_between_pages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((20, 30, 40), dtype=np.float32)), str(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MedCLIPSegError, match=r"cut\.tif could not be read"):
        read_volume(path)
