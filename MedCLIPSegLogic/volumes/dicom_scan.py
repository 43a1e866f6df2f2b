"""A walk through the raw stream of a DICOM file, before any library parses it.

pydicom and GDCM go down into sequences by recursion and GDCM takes every length on trust, so that a file which nests or
lies ends the whole program. Both see a file only after this walk has found it well-formed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Container
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import MedCLIPSegError

DEEPEST = 32
"""Sequences within sequences; real files stay below ten."""
MOST_ELEMENTS = 2_000_000
MOST_INFLATED = 2**28
"""Bytes that a deflated file may unfold to; the libraries hold them several times."""
MOST_ITEMS_UNSURE = 500
"""Items in a file whose encoding changes on the way: GDCM then tries readings which this walk does not follow, and none
of them can go deeper than there are items."""

PREAMBLE, MAGIC = 128, b"DICM"
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
ITEM_BYTES = {"<": b"\xfe\xff\x00\xe0", ">": b"\xff\xfe\xe0\x00"}
PIXEL_DATA, TRANSFER_SYNTAX = 0x7FE00010, 0x00020010
UNDEFINED = 0xFFFFFFFF
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
IMPLICIT, BIG_ENDIAN, DEFLATED = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"

ELEMENTS, ITEMS, FRAGMENTS = range(3)


class Piece(NamedTuple):
    """Where pixels lie in the file, in bytes."""

    start: int
    length: int


@dataclass(frozen=True)
class DicomStream:
    """What the walk found.

    Args:
        header: the wanted elements of the top level, as they are encoded.
        is_implicit, is_little_endian: their encoding.
        is_encapsulated: the pixels are compressed, in fragments.
        pixels: the pieces of the pixel data, in order; none if the file holds no image.
    """

    header: bytes
    is_implicit: bool
    is_little_endian: bool
    is_encapsulated: bool
    pixels: tuple[Piece, ...]


class _DamagedError(ValueError):
    """The stream is not well-formed."""


class _TooDeepError(ValueError):
    """Sequences within sequences go deeper than ``DEEPEST``."""


class _Level(NamedTuple):
    kind: int
    end: int | None
    limit: int
    implicit: bool


@dataclass
class _Walk:
    file: BinaryIO
    order: str
    size: int
    implicit: bool
    mixed: bool
    starts: list[tuple[int, int]] = field(default_factory=list)
    pixels: list[Piece] = field(default_factory=list)
    encapsulated: bool = False


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
    except _DamagedError as error:
        if not has_magic:
            return None
        raise damaged(path) from error
    except _TooDeepError as error:
        raise MedCLIPSegError(
            f"{path} nests its header more than {DEEPEST} levels deep, as no scanner does; export it again."
        ) from error
    except OSError as error:
        raise MedCLIPSegError(f"{path} could not be opened; check the permission to read it.") from error


def damaged(path: Path) -> MedCLIPSegError:
    """The error for a file which breaks off or contradicts itself."""
    return MedCLIPSegError(
        f"{path} could not be read as a DICOM image; it may be damaged, incomplete or of another type, "
        "so copy or export it again."
    )


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
    implicit = not _is_vr(first[4:])
    walk = _Walk(file, order, size, implicit, syntax is not None and implicit != (syntax == IMPLICIT))
    end = _follow(walk, position)
    if walk.mixed:
        file.seek(position)
        until = walk.pixels[0].start if walk.pixels else end
        if file.read(until - position).count(ITEM_BYTES[order]) > MOST_ITEMS_UNSURE:
            raise _DamagedError
    header = bytearray()
    ends = [start for _, start in walk.starts[1:]] + [end]
    for (tag, start), stop in zip(walk.starts, ends, strict=True):
        if tag in wanted:
            file.seek(start)
            header += file.read(stop - start)
    return DicomStream(bytes(header), implicit, order == "<", walk.encapsulated, tuple(walk.pixels))


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
            raise _DamagedError
        position = start + length
        if position > size:
            raise _DamagedError
        if element == TRANSFER_SYNTAX & 0xFFFF:
            file.seek(start)
            syntax = file.read(length).rstrip(b"\0 ")


def _inflated(file: BinaryIO, position: int) -> BinaryIO:
    file.seek(position)
    packed, unpack = file.read(MOST_INFLATED), zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpack.decompress(packed, MOST_INFLATED)
    except zlib.error as error:
        raise _DamagedError from error
    if not unpack.eof:
        raise _DamagedError
    return BytesIO(content)


def _is_vr(text: bytes) -> bool:
    return text in LONG or text in SHORT


def _follow(walk: _Walk, position: int) -> int:
    """Go through all elements with a stack of its own; returns where the last one ends."""
    file, levels, left = walk.file, [_Level(ELEMENTS, walk.size, walk.size, walk.implicit)], MOST_ELEMENTS
    unpack, seen = struct.Struct(walk.order + "HHL").unpack, set()
    while True:
        kind, end, limit, implicit = levels[-1]
        if position == end:
            if len(levels) == 1:
                return position
            levels.pop()
            continue
        file.seek(position)
        head = file.read(8)
        left -= 1
        if len(levels) == 1 and walk.pixels and (len(head) < 8 or not any(head)) and _is_padding(file):
            return position
        if position + 8 > limit or not left:
            raise _DamagedError
        group, element, length = unpack(head)
        tag, start, position = group << 16 | element, position, position + 8
        if kind != ELEMENTS:
            if tag == SEQUENCE_END and end is None:
                levels.pop()
                continue
            if tag != ITEM or (kind == FRAGMENTS and length == UNDEFINED):
                raise _DamagedError
            if kind == FRAGMENTS:
                position = _after(position, length, limit)
                if len(levels) == 2:
                    walk.pixels.append(Piece(position - length, length))
                continue
            levels.append(_level(ELEMENTS, position, length, limit, _is_implicit_item(walk, position, implicit)))
            continue
        if tag == ITEM_END and end is None:
            levels.pop()
            continue
        vr = b"" if implicit else head[4:6]
        if vr in LONG:
            length = int.from_bytes(file.read(4), "little" if walk.order == "<" else "big")
            position += 4
        elif vr in SHORT:
            length = struct.unpack(walk.order + "H", head[6:])[0]
        elif not implicit:
            raise _DamagedError
        if group == 0xFFFE or _is_taken_otherwise(tag, vr, length):
            raise _DamagedError
        if len(levels) == 1:
            if tag in seen:
                raise _DamagedError
            seen.add(tag)
            walk.starts.append((tag, start))
        if tag == PIXEL_DATA and length == UNDEFINED:
            walk.encapsulated |= len(levels) == 1
            levels.append(_level(FRAGMENTS, position, length, limit, implicit))
        elif vr == b"SQ" or length == UNDEFINED or (vr in (b"", b"UN") and _holds_items(walk, tag, position)):
            if vr not in (b"", b"SQ", b"UN"):
                raise _DamagedError
            if len(levels) > 2 * DEEPEST:
                raise _TooDeepError
            levels.append(_level(ITEMS, position, length, limit, vr != b"SQ"))
        else:
            position = _after(position, length, limit)
            if tag == PIXEL_DATA and len(levels) == 1:
                walk.pixels.append(Piece(position - length, length))


def _level(kind: int, position: int, length: int, limit: int, implicit: bool) -> _Level:
    end = None if length == UNDEFINED else _after(position, length, limit)
    return _Level(kind, end, limit if end is None else end, implicit)


def _after(position: int, length: int, limit: int) -> int:
    if position + length > limit:
        raise _DamagedError
    return position + length


def _is_implicit_item(walk: _Walk, position: int, implicit: bool) -> bool:
    """Encoding of an item, as its first element shows it: some scanners change it within an explicit file."""
    walk.file.seek(position)
    first = walk.file.read(6)
    if walk.implicit or len(first) < 6 or first[:2] == ITEM_BYTES[walk.order][:2]:
        return implicit
    found = not _is_vr(first[4:])
    walk.mixed |= found != implicit
    return found


def _holds_items(walk: _Walk, tag: int, position: int) -> bool:
    """Public sequences of known length do not show it in implicit encoding; private ones are never opened."""
    if tag >> 16 & 1 or tag == PIXEL_DATA:
        return False
    walk.file.seek(position)
    return walk.file.read(4) == ITEM_BYTES[walk.order]


def _is_taken_otherwise(tag: int, vr: bytes, length: int) -> bool:
    """True where GDCM changes the stated length to read certain old files."""
    return (
        (not vr and length == 13) or (vr == b"UL" and tag >> 16 == 9 and length == 6) or tag in (0x00FF4AA5, 0x01F71070)
    )


def _is_padding(file: BinaryIO) -> bool:
    return not any(any(block) for block in iter(lambda: file.read(2**16), b""))
