"""Damaged and lying headers of every image format."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from damages import damaged_bytes, damaged_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import accept
from PIL import Image

from MedCLIPSegLogic.volumes.readers import read_volume

BYTES_EXAMPLES, LINES_EXAMPLES = 110, 150
HEADER_BYTES = {"nii": 352, "nii.gz": 200, "png": 60, "jpg": 640, "bmp": 54, "tif": 300, "dcm": 1000}
"""Where damage is most telling: as long as the header."""
VALUES = (
    *("0 0 0", "-1 4 4", "4 4", "4 4 4 4", "1500 1500 1500", "100000 100000 100000", "3 4 4", "1 1 1", "nan nan nan"),
    *("99999999999999999999 1 1", "(1,0,0) (1,0,0) (0,0,1)", "(nan,0,0) (0,1,0) (0,0,1)", "none (0,1,0) (0,0,1)"),
    *("1e300 1 1", "0", "3", "16", "17", "1000000", "-1", "raw", "gzip", "bzip2", "ascii", "hex", "True", "False"),
    *(
        "uchar",
        "double",
        "block",
        "float",
        "MET_DOUBLE",
        "MET_OTHER",
        "big",
        "LOCAL",
        "LIST",
        "-",
        ".",
        "..",
        "",
        "a:b",
    ),
    *("/dev/zero", "/dev/stdin", "fifo.raw", "leads-out.raw", "../outside.raw", "/etc/passwd", "%s%s%n", "voxels.raw"),
    *("%03d.raw 1 4 1", "sub", "voxels.raw 1 4 1", "x" * 3000),
)


def _write(folder: Path, ending: str) -> Path:
    """A small image of a format."""
    path = folder / f"seed.{ending}"
    voxels = np.arange(64, dtype=np.int16).reshape(4, 4, 4)
    if ending in ("nii", "nii.gz"):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1, 2, 1])), path)
    elif ending == "dcm":
        sitk.WriteImage(sitk.GetImageFromArray(voxels[:1]), str(path))
    else:
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(path)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with voxels, a pipe, a link out of it and a folder."""
    outside = tmp_path_factory.mktemp("outside") / "outside.raw"
    outside.write_bytes(bytes(4096))
    folder = tmp_path_factory.mktemp("images")
    os.mkfifo(folder / "fifo.raw")
    (folder / "leads-out.raw").symlink_to(outside)
    (folder / "voxels.raw").write_bytes(bytes(128))
    (folder / "sub").mkdir()
    return folder


def _read(image: Path) -> None:
    """Read an image with a command that ends before it needs PyTorch: there is no such model."""
    assert accept("segment", image, "--prompt", "a", "--model", "none-such", "--out", image.parent / "out")


@pytest.mark.parametrize("ending", HEADER_BYTES)
def test_damaged_bytes(ending: str, place: Path) -> None:
    seed = _write(place, ending).read_bytes()

    @settings(max_examples=BYTES_EXAMPLES)
    @given(damaged_bytes(seed, HEADER_BYTES[ending]))
    def check(content: bytes) -> None:
        (place / f"a.{ending}").write_bytes(content)
        _read(place / f"a.{ending}")

    check()


NRRD = [
    "NRRD0005",
    "type: short",
    "dimension: 3",
    "space: left-posterior-superior",
    "sizes: 4 4 4",
    "space directions: (1,0,0) (0,1,0) (0,0,2)",
    "kinds: domain domain domain",
    "endian: little",
    "encoding: raw",
    "space origin: (0,0,0)",
]
META = [
    "ObjectType = Image",
    "NDims = 3",
    "DimSize = 4 4 4",
    "ElementSpacing = 1 1 2",
    "Offset = 0 0 0",
    "CompressedData = False",
    "ElementType = MET_SHORT",
]


@pytest.mark.parametrize(
    ("name", "header", "voxels"),
    [
        ("a.nrrd", NRRD, b"\n\n" + bytes(128)),
        ("a.nhdr", [*NRRD, "data file: voxels.raw"], b"\n"),
        ("a.mha", [*META, "ElementDataFile = LOCAL"], b"\n" + bytes(128)),
        ("a.mhd", [*META, "ElementDataFile = voxels.raw"], b"\n"),
    ],
)
def test_damaged_text_headers(name: str, header: list[str], voxels: bytes, place: Path) -> None:
    (place / name).write_bytes("\n".join(header).encode() + voxels)
    sentence = accept("segment", place / name, "--prompt", "a", "--model", "none-such", "--out", place / "out")
    assert "none-such" in sentence  # the image itself is fine

    @settings(max_examples=LINES_EXAMPLES)
    @given(damaged_lines(header, VALUES), st.sampled_from((voxels, voxels[:40], b"")))
    def check(text: str, rest: bytes) -> None:
        (place / name).write_bytes(text.encode("utf-8", "replace") + rest)
        _read(place / name)

    check()


PACKED = ["CompressedData = True" if line.startswith("CompressedData") else line for line in META]


@pytest.mark.parametrize(
    ("header", "voxels"),
    [
        (PACKED, b"not packed"),
        (PACKED, zlib.compress(bytes(128))[:-8]),
        (PACKED, zlib.compress(bytes(126))),
        ([*PACKED, "CompressedDataSize = 99999"], zlib.compress(bytes(128))),
        ([*META, "HeaderSize = 99999"], bytes(128)),
        ([*META, f"Name = {'x' * 40_000}"], bytes(128)),
        ([*META, "ElementNumberOfChannels = 1000000000"], bytes(128)),
        ([*META, *(f"tag{number} = a" for number in range(60_000))], bytes(128)),
    ],
)
def test_metaimage_that_itk_reads_as_garbage_or_talks_of(header: list[str], voxels: bytes, place: Path) -> None:
    (place / "b.mha").write_bytes("\n".join([*header, "ElementDataFile = LOCAL", ""]).encode() + voxels)
    sentence = accept("segment", place / "b.mha", "--prompt", "a", "--model", "mini", "--out", place / "out")
    assert "b.mha" in sentence


def test_packed_metaimage_is_read(place: Path) -> None:
    content = zlib.compress(np.arange(64, dtype=np.int16).tobytes())
    header = [*PACKED, f"CompressedDataSize = {len(content)}", "ElementDataFile = LOCAL", ""]
    (place / "c.mha").write_bytes("\n".join(header).encode() + content)
    np.testing.assert_array_equal(read_volume(place / "c.mha").voxels.ravel(), np.arange(64))
