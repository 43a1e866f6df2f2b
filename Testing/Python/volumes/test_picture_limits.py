"""Pictures that hide something, or claim more than they hold."""

from __future__ import annotations

import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes import limits, pictures
from MedCLIPSegLogic.volumes.readers import read_volume

GREY, GREY_ALPHA, COLOR, COLOR_ALPHA, PALETTE = 0, 4, 2, 6, 3
PLTE = (b"PLTE", bytes(range(12)))
Extra = tuple[bytes, bytes]
"""Name and content of a chunk."""


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def write_png(
    path: Path,
    size: tuple[int, int],
    depth: int,
    kind: int,
    rows: bytes,
    *more: tuple[bytes, bytes],
    packed: bool = False,
) -> Path:
    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    content = chunk(b"IHDR", header) + b"".join(chunk(*extra) for extra in more)
    content += chunk(b"IDAT", rows if packed else zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


@pytest.mark.parametrize(
    ("depth", "kind", "width", "row", "extra", "visible"),
    [
        (8, COLOR_ALPHA, 3, bytes([1, 2, 3, 0, 4, 5, 6, 1, 7, 8, 9, 255]), (), [[0, 0, 0], [4, 5, 6], [7, 8, 9]]),
        (8, GREY_ALPHA, 3, bytes([9, 0, 8, 1, 7, 255]), (), [0, 8, 7]),
        (16, COLOR_ALPHA, 2, words(1000, 2000, 3000, 0, 1000, 2000, 3000, 9999), (), [[0, 0, 0], [3, 7, 11]]),
        (16, GREY_ALPHA, 2, words(1000, 0, 2000, 9999), (), [[0, 0, 0], [7, 7, 7]]),
        (8, COLOR, 2, bytes([1, 2, 3, 4, 5, 6]), [(b"tRNS", words(1, 2, 3))], [[0, 0, 0], [4, 5, 6]]),
        (16, COLOR, 2, words(999, 0, 0, 5000, 0, 9999), [(b"tRNS", words(999, 0, 0))], [[0, 0, 0], [19, 0, 39]]),
        (8, GREY, 3, bytes([7, 8, 9]), [(b"tRNS", words(8))], [7, 0, 9]),
        (16, GREY, 3, words(7000, 8000, 9000), [(b"tRNS", words(8000))], [7000, 0, 9000]),
        (4, GREY, 4, bytes([0x05, 0x3F]), [(b"tRNS", words(3))], [0, 85, 0, 255]),
        (2, GREY, 4, bytes([0b00011011]), [(b"tRNS", words(2))], [0, 85, 0, 255]),
        (1, GREY, 4, bytes([0b10100000]), [(b"tRNS", words(1))], [0, 0, 0, 0]),
        (8, PALETTE, 3, bytes([0, 1, 2]), [PLTE, (b"tRNS", bytes([255, 0]))], [[0, 1, 2], [0, 0, 0], [6, 7, 8]]),
        (4, PALETTE, 3, bytes([0x01, 0x20]), [PLTE, (b"tRNS", bytes([0, 9]))], [[0, 0, 0], [3, 4, 5], [6, 7, 8]]),
        (8, PALETTE, 2, bytes([1, 2]), [PLTE], [[3, 4, 5], [6, 7, 8]]),
    ],
)  # fmt: skip
def test_what_is_fully_transparent_is_black(
    tmp_path: Path,
    depth: int,
    kind: int,
    width: int,
    row: bytes,
    extra: list[tuple[bytes, bytes]],
    visible: list[object],
) -> None:
    path = write_png(tmp_path / "a.png", (width, 1), depth, kind, b"\0" + row, *extra)
    np.testing.assert_array_equal(read_volume(path).voxels[0, 0], visible)


def test_transparent_tiff(tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(1, 256, (5, 7, 4), dtype=np.uint8)
    colors[1:3, 2:5, 3] = 0
    Image.fromarray(colors).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.tif").voxels[0], colors[..., :3] * (colors[..., 3:] > 0))


def write_tiff(path: Path, pages: list[list[tuple[int, int, int, int]]], last: int = 0) -> Path:
    """Write a TIFF file without pixels: tags (number, type, count, value) of every page, and what follows the last."""
    content, start = bytearray(b"II*\0" + struct.pack("<I", 8)), 8
    for number, tags in enumerate(pages):
        start += 2 + 12 * len(tags) + 4
        content += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        content += struct.pack("<I", start if number < len(pages) - 1 else last)
    path.write_bytes(content)
    return path


def page(width: int, height: int, compression: int = 1) -> list[tuple[int, int, int, int]]:
    tags = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height}
    return [(tag, 4, 1, value) for tag, value in tags.items()]


def jpeg(path: Path, size: int) -> Path:
    Image.new("L", (16, 16)).save(path)
    content = path.read_bytes()
    start = content.index(b"\xff\xc0") + 5
    path.write_bytes(content[:start] + words(size, size) + content[start + 4 :])
    return path


def test_claims_are_checked_before_pixels_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("pixels were read")

    for refused, reason in [
        (jpeg(tmp_path / "a.jpg", 13000), "holds fewer voxels"),
        (jpeg(tmp_path / "b.jpg", 30000), "has more than 178 million pixels"),
        (write_png(tmp_path / "a.png", (13000, 13000), 8, COLOR, b""), "holds fewer voxels"),
        (write_png(tmp_path / "b.png", (2**31 - 1, 2**31 - 1), 8, COLOR, b""), "has more than 178 million pixels"),
        (write_tiff(tmp_path / "a.tif", [page(13000, 13000)]), "holds fewer voxels"),
        (write_tiff(tmp_path / "b.tif", [page(13000, 13000, 8)]), "holds fewer voxels"),
        (write_tiff(tmp_path / "c.tif", [page(10_000, 10_000, 5)] * 40), "GB of memory"),
        (write_tiff(tmp_path / "d.tif", [page(9, 9), page(9, 8)]), "pages of different sizes"),
        (write_tiff(tmp_path / "e.tif", [page(9, 9)], last=8), "could not be read"),
        (write_tiff(tmp_path / "f.tif", [page(1, 1)] * 51), "could not be read"),
    ]:
        with monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("error")
            patch.setattr(Image.Image, "crop", fail)
            patch.setattr(pictures, "MOST_PAGES", 50)
            patch.setattr(limits, "free_memory", lambda: 1 << 34)
            with pytest.raises(MedCLIPSegError, match=reason) as caught:
                read_volume(refused)
        assert "\n" not in str(caught.value)


def test_blank_pictures_are_no_bombs(tmp_path: Path) -> None:
    for mode, name, options in [
        ("1", "a.png", {}),
        ("1", "a.tif", {"compression": "group4"}),
        ("RGB", "b.tif", {"compression": "tiff_lzw"}),
        ("RGB", "c.tif", {"compression": "tiff_adobe_deflate"}),
        ("RGB", "a.jpg", {"progressive": True, "optimize": True}),
        ("P", "b.png", {"optimize": True, "bits": 1}),
    ]:
        Image.new(mode, (4000, 3000)).save(tmp_path / name, **options)
        assert read_volume(tmp_path / name).shape == (1, 3000, 4000)


@pytest.mark.slow
def test_a_bomb_within_the_limit_of_pixels_takes_little_memory(tmp_path: Path) -> None:
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + 4 * 13000)) for _ in range(13000)) + packer.flush()
    path = write_png(tmp_path / "bomb.png", (13000, 13000), 8, COLOR_ALPHA, rows, packed=True)
    program = (
        "import sys; from MedCLIPSegLogic.volumes.readers import read_volume; "
        "assert not read_volume(sys.argv[1]).voxels.any(); "
        "from MedCLIPSegLab.speed.peak_memory import peak_memory; print(peak_memory())"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1.5e9


def test_texts_that_unpack_to_much_are_not_unpacked(tmp_path: Path) -> None:
    packer = zlib.compressobj(9)
    text = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    for extra in ((b"zTXt", b"a\0\0" + text), (b"iTXt", b"a\0\1\0\0\0" + text), (b"iCCP", b"a\0\0" + text)):
        path = write_png(tmp_path / "a.png", (1, 1), 8, GREY, b"\0\0", extra)
        with pytest.raises(MedCLIPSegError, match="could not be read as a picture"):
            read_volume(path)


def test_library_writes_nothing_on_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.tif"
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((20, 30, 40), dtype=np.float32)), str(path))
    content = path.read_bytes()
    tags = page(9, 9)
    tags[6] = (277, 3, 1, 32767)
    for number in range(40):
        path.write_bytes(content[: len(content) * number // 40])
        with pytest.raises(MedCLIPSegError):
            read_volume(path)
    with pytest.raises(MedCLIPSegError):
        read_volume(write_tiff(tmp_path / "deep.tif", [tags]))
    assert capfd.readouterr() == ("", "")
