"""The program itself, started anew, on files and surroundings that have harmed it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from outcomes import accept, not_a_refusal
from PIL import Image

pytestmark = pytest.mark.slow
NRRD = "NRRD0005\ntype: {}\ndimension: 3\nsizes: {}\nendian: little\nencoding: {}\ndata file: {}\n"
META = "ObjectType = Image\nNDims = {}\nDimSize = 4 4 4\nElementType = MET_UCHAR\nElementDataFile = {}\n"
HEADERS = {
    "device.nhdr": NRRD.format("short", "512 512 100", "raw", "/dev/zero"),
    "pipe.nhdr": NRRD.format("short", "4 4 4", "raw", "fifo.raw"),
    "above.nhdr": NRRD.format("short", "4 4 4", "raw", "../outside.raw"),
    "far.nhdr": NRRD.format("uchar", "10 10 5", "raw", "/etc/passwd"),
    "list.nhdr": NRRD.format("uchar", "4 4 4", "raw", "LIST\nvoxels.raw"),
    "link.nhdr": NRRD.format("uchar", "4 4 4", "raw", "leads-out.raw"),
    "many.nhdr": NRRD.format("short", "1500 1500 1500", "gzip", "voxels.raw"),
    "crash.nhdr": NRRD.format("x" * 3000, "4 4 4", "raw", "voxels.raw"),
    "pattern.mhd": META.format("3", "%s%s%s%n%n.raw 1 4 1"),
    "far.mhd": META.format("3", "/etc/passwd"),
    "endless.mhd": META.format("1e300 1 1", "LOCAL"),
}
HARMFUL = ("device.nhdr", "pipe.nhdr", "crash.nhdr", "endless.mhd")
Start = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Exit code and error lines of ``medclipseg segment``; it ends within a minute, in 6 GB at most."""

    def run(image: Path, *options: str, memory: int = 6 * 2**30, **environment: str) -> tuple[int, list[str]]:
        program = [sys.executable, "-m", "MedCLIPSegLab", "segment", str(image), "--prompt", "a", *options]
        done = subprocess.run(
            [*program, "--out", str(tmp_path / "out")],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
        )
        return done.returncode, done.stderr.splitlines()

    return run


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of all headers, with voxels, a pipe and a link out of it."""
    folder = tmp_path / "images"
    folder.mkdir()
    (tmp_path / "outside.raw").write_bytes(bytes(4096))
    (folder / "leads-out.raw").symlink_to(tmp_path / "outside.raw")
    (folder / "voxels.raw").write_bytes(bytes(128))
    os.mkfifo(folder / "fifo.raw")
    for name, text in HEADERS.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("name", HARMFUL)
def test_headers_on_which_readers_crash_or_wait(name: str, images: Path, start: Start) -> None:
    code, lines = start(images / name)
    assert not not_a_refusal(code, lines), lines
    assert name in lines[0]


def test_headers_that_lead_elsewhere_or_lie(images: Path) -> None:
    for name in HEADERS.keys() - set(HARMFUL):
        sentence = accept("segment", images / name, "--prompt", "a", "--out", images / "out")
        assert name in sentence
        assert "in its folder" in sentence or "fewer voxels" in sentence


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("L", (16, 16), 9).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.mark.parametrize("megabytes", [20, 300, 1000])
def test_little_memory(megabytes: int, picture: Path, start: Start) -> None:
    code, lines = start(picture, memory=megabytes * 10**6)
    assert not not_a_refusal(code, lines), lines
    assert "too little memory" in lines[0]


def test_a_home_of_nobody(picture: Path, start: Start) -> None:
    code, lines = start(picture, "--model", "x", MEDCLIPSEG_HOME="~nosuchuser/models")
    assert not not_a_refusal(code, lines), lines
    assert "~nosuchuser" in lines[0]


@pytest.mark.parametrize("options", [["--samples", "many"], ["--plane", "x" * 2000]])
def test_options(options: list[str], picture: Path, start: Start) -> None:
    code, lines = start(picture, *options)
    assert not not_a_refusal(code, lines), lines
    assert "medclipseg segment --help" in lines[0]
