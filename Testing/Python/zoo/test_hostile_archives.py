"""Archives made to harm are refused with one sentence; nothing is written elsewhere, nothing fills the memory."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from published_files import save_published, small_network
from refusals import refused

SLIPS = ["../../outside/evil.txt", "/tmp/evil.txt", "..\\evil.txt", "C:\\evil.txt", "sub/config.json", "evil.py"]


def test_archives_whose_entries_lead_out(a_checkpoint: Path, tmp_path: Path, a_home: Path, outside: Path) -> None:
    for entry in SLIPS:
        with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
            archive.writestr("config.json", "{}")
            archive.writestr(entry, "evil")
        refused(tmp_path / "model.zip", "has the entry .*, as no model has", a_home)
        with zipfile.ZipFile(tmp_path / "torch.pth", "w") as archive:
            archive.writestr(entry, "evil")
        refused(tmp_path / "torch.pth", "leads out of it|damaged|more than weights", a_home)


def archive_with(file: Path, name: str, content: bytes, mode: int = 0, packing: int = zipfile.ZIP_STORED) -> Path:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = packing
    with zipfile.ZipFile(file, "w") as archive:
        if name != "config.json":
            archive.writestr("config.json", "{}")
        archive.writestr(info, content)
    return file


def test_archives_with_links_bombs_and_twins(tmp_path: Path, small_flavors: None, a_home: Path, outside: Path) -> None:
    link = archive_with(tmp_path / "link.zip", "vocab.txt", b"/etc/passwd", stat.S_IFLNK | 0o777)
    refused(link, "symbolic link", a_home)
    bomb = archive_with(tmp_path / "bomb.zip", "vocab.txt", bytes(64 * 2**20), packing=zipfile.ZIP_DEFLATED)
    refused(bomb, "larger than any model's", a_home)
    # The same archive, lying about the size.
    bomb.write_bytes(bomb.read_bytes().replace(struct.pack("<I", 64 * 2**20), struct.pack("<I", 1000)))
    refused(bomb, "damaged|unpacks to more", a_home)
    with zipfile.ZipFile(tmp_path / "twins.zip", "w") as archive:
        archive.writestr("config.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("config.json", "{}")
    refused(tmp_path / "twins.zip", "two entries of the same name", a_home)


def test_packed_records_of_a_checkpoint(tmp_path: Path, small_flavors: None, a_home: Path, outside: Path) -> None:
    save_published(small_network("unimedclip"), tmp_path / "x.pth")
    with (
        zipfile.ZipFile(tmp_path / "x.pth") as plain,
        zipfile.ZipFile(tmp_path / "y.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    refused(tmp_path / "y.pth", "packed record", a_home)


def packed_archive(packing: int) -> bytes:
    """An archive of ours whose packed entry is damaged."""
    with zipfile.ZipFile(file := io.BytesIO(), "w", packing) as archive:
        archive.writestr("config.json", " " * 5000)
    content = bytearray(file.getvalue())
    content[50:55] = b"\xff" * 5
    return bytes(content)


def plain_archive(name: bytes, more: int = 0) -> bytes:
    """A checkpoint of torch with another record of this name, which has as many letters as ``x/other.txt``."""
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}.")
        archive.writestr("x/other.txt", bytes(more))
    return file.getvalue().replace(b"x/other.txt", name)


LYING = {
    "deflate": (packed_archive(zipfile.ZIP_DEFLATED), "damaged"),
    "bzip2": (packed_archive(zipfile.ZIP_BZIP2), "packed as in no archive"),
    "lzma": (packed_archive(zipfile.ZIP_LZMA), "packed as in no archive"),
    "two descriptions": (plain_archive(b"x/other.PKL"), "2 descriptions"),
    "a zero in a name": (plain_archive(b"x/other\0txt"), "ambiguous name"),
    "a large record": (plain_archive(b"x/byteorder", 9 * 2**20), "absurd size"),
    "something before it": (packed_archive(zipfile.ZIP_DEFLATED) + plain_archive(b"x/other.txt"), "first record"),
}


@pytest.mark.parametrize("name", LYING)
def test_archives_that_look_otherwise_to_others(
    name: str, tmp_path: Path, small_flavors: None, a_home: Path, outside: Path
) -> None:
    content, words = LYING[name]
    (tmp_path / "x.pth").write_bytes(content)
    refused(tmp_path / "x.pth", words, a_home)


def test_a_list_of_entries_that_would_fill_the_memory(tmp_path: Path, a_home: Path, outside: Path) -> None:
    file, size = tmp_path / "x.pth", 3 * 10**9
    with file.open("wb") as stream:
        stream.write(b"PK\x03\x04")
        stream.seek(size)
        stream.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size - 10, 10, 0))
    refused(file, "list of entries is of absurd size", a_home)
