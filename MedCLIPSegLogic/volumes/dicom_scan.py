"""The raw stream of a DICOM file, before any library parses it.

pydicom and GDCM go down into sequences by recursion and GDCM takes every length on trust, so that a file which nests or
lies ends the whole program. Both see a file only after a walk has found it well-formed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Container
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ..errors import MedCLIPSegError
from .dicom_walk import LONG, SHORT, DamagedError, Piece, TooDeepError, Walk, follow, is_vr

MOST_INFLATED = 2**28
"""Bytes that a deflated file may unfold to; the libraries hold them several times."""

PREAMBLE, MAGIC = 128, b"DICM"
TRANSFER_SYNTAX = 0x0010
"""Element of group 2."""
IMPLICIT, BIG_ENDIAN, DEFLATED = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"


@dataclass(frozen=True)
class DicomStream:
    """What the walk found.

    Args:
        header: the wanted elements of the top level, as they are encoded.
        is_implicit, is_little_endian: their encoding.
        is_encapsulated: the pixels are compressed, in fragments.
        pixels: the pieces of the pixel data, in order; none if the file holds no image.
        depth: how many sequences lie within one another.
    """

    header: bytes
    is_implicit: bool
    is_little_endian: bool
    is_encapsulated: bool
    pixels: tuple[Piece, ...]
    depth: int


def scan_dicom(path: Path, wanted: Container[int | None]) -> DicomStream | None:
    """Walk through a file.

    Args:
        path: a regular file.
        wanted: tags of the top level to keep.

    Returns:
        What was found; None if the file is not DICOM.

    Raises:
        MedCLIPSegError: it cannot be opened, is cut off or damaged, or nests deeper than ``DEEPEST``.
    """
    has_magic = False
    try:
        with path.open("rb") as file:
            has_magic = file.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC
            return _scan(file, PREAMBLE + len(MAGIC) if has_magic else 0, wanted)
    except DamagedError as error:
        if not has_magic:
            return None
        raise damaged(path) from error
    except TooDeepError as error:
        raise too_deep(path) from error
    except OSError as error:
        raise MedCLIPSegError(f"{path} could not be opened; check the permission to read it.") from error


def damaged(path: Path) -> MedCLIPSegError:
    """The error for a file which breaks off or contradicts itself."""
    return MedCLIPSegError(
        f"{path} could not be read as a DICOM image; it may be damaged, incomplete or of another type, "
        "so copy or export it again."
    )


def too_deep(path: Path) -> MedCLIPSegError:
    """The error for a header that the libraries would take too long for, or fall over."""
    return MedCLIPSegError(f"{path} nests its header deeper than any scanner does; export it again.")


def _scan(file: BinaryIO, position: int, wanted: Container[int | None]) -> DicomStream | None:
    size = file.seek(0, 2)
    syntax, position = _transfer_syntax(file, position, size)
    if syntax == DEFLATED:
        file = _inflated(file, position)
        position, size = 0, file.seek(0, 2)
    file.seek(position)
    first = file.read(6)
    if len(first) < 6 or (position == 0 and syntax is None and first[:2] != b"\x08\x00"):
        return None
    group = int.from_bytes(first[:2], "little")
    order = ">" if syntax == BIG_ENDIAN or (syntax is None and group >= 1024) else "<"
    implicit = not is_vr(first[4:])
    if syntax is not None and implicit != (syntax == IMPLICIT):
        raise DamagedError  # GDCM would try readings that this walk does not follow
    walk = Walk(file, order, size, implicit)
    follow(walk, position)
    header = bytearray()
    ends = [start for _, start in walk.starts[1:]] + [walk.end]
    for (tag, start), stop in zip(walk.starts, ends, strict=True):
        if tag in wanted:
            file.seek(start)
            header += file.read(stop - start)
    return DicomStream(bytes(header), implicit, order == "<", walk.encapsulated, tuple(walk.pixels), walk.depth)


def _transfer_syntax(file: BinaryIO, position: int, size: int) -> tuple[bytes | None, int]:
    """Transfer syntax as the file states it, and where the data set begins."""
    syntax = None
    while True:
        file.seek(position)
        head = file.read(12)
        if len(head) < 8 or head[:2] != b"\x02\x00":
            return syntax, position
        element, length = struct.unpack("<H2xH", head[2:8])
        start = position + 8
        if head[4:6] in LONG and len(head) == 12:
            start, length = position + 12, int.from_bytes(head[8:], "little")
        elif head[4:6] not in SHORT:
            raise DamagedError
        position = start + length
        if position > size:
            raise DamagedError
        if element == TRANSFER_SYNTAX:
            file.seek(start)
            syntax = file.read(length).rstrip(b"\0 ")


def _inflated(file: BinaryIO, position: int) -> BinaryIO:
    file.seek(position)
    packed, unpack = file.read(MOST_INFLATED), zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpack.decompress(packed, MOST_INFLATED)
    except zlib.error as error:
        raise DamagedError from error
    if not unpack.eof:
        raise DamagedError
    return BytesIO(content)
