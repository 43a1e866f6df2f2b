"""Walk along the elements of a DICOM data set without recursion.

The walk takes nothing on trust: every length has to fit into what it lies in, and what is ambiguous is an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

DEEPEST = 32
"""Sequences within sequences; long reports come to some ten."""
MOST_ELEMENTS = 1_000_000

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
UNDEFINED = 0xFFFFFFFF
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations whose length takes four bytes; that of the others takes two."""
SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())

ELEMENTS, ITEMS, FRAGMENTS = range(3)


class DamagedError(ValueError):
    """The stream is not well-formed."""


class TooDeepError(ValueError):
    """Sequences within sequences go deeper than ``DEEPEST``."""


class Piece(NamedTuple):
    """Where bytes lie."""

    start: int
    length: int


@dataclass
class Walk:
    """A walk and what it finds.

    Args:
        file: seekable; the data set goes on to its end.
        order: "<" for little or ">" for big endian.
        size: of the file in bytes.
        implicit: value representations are not stated.
        starts: tag and place of every element of the top level.
        end: of the last element.
        pixels: pieces of the pixel data on the top level: one, or an offset table and the compressed fragments.
        encapsulated: the pixels are compressed.
        depth: how many sequences lie within one another.
    """

    file: BinaryIO
    order: str
    size: int
    implicit: bool
    starts: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    pixels: list[Piece] = field(default_factory=list)
    encapsulated: bool = False
    depth: int = 0


class _Level(NamedTuple):
    kind: int
    end: int | None
    limit: int
    implicit: bool


def follow(walk: Walk, position: int) -> None:
    """Go through all elements from a position on, with a stack of its own.

    Raises:
        DamagedError: the data set is not well-formed, or has more than ``MOST_ELEMENTS``.
        TooDeepError: it nests too deep.
    """
    file, levels, left = walk.file, [_Level(ELEMENTS, walk.size, walk.size, walk.implicit)], MOST_ELEMENTS
    unpack, seen = struct.Struct(walk.order + "HHL").unpack, set[int]()
    while True:
        kind, end, limit, implicit = levels[-1]
        if position == end:
            if len(levels) == 1:
                break
            levels.pop()
            continue
        file.seek(position)
        head = file.read(8)
        left -= 1
        if len(levels) == 1 and walk.pixels and (len(head) < 8 or not any(head)) and _is_padding(file):
            break
        if position + 8 > limit or not left:
            raise DamagedError
        group, element, length = unpack(head)
        tag, start, position = group << 16 | element, position, position + 8
        if kind != ELEMENTS:
            if tag == SEQUENCE_END and end is None:
                levels.pop()
                continue
            if tag != ITEM or (kind == FRAGMENTS and length == UNDEFINED):
                raise DamagedError
            if kind == FRAGMENTS:
                position = _after(position, length, limit)
                if len(levels) == 2:
                    walk.pixels.append(Piece(position - length, length))
                continue
            levels.append(_level(ELEMENTS, position, length, limit, implicit))
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
            raise DamagedError
        if group == 0xFFFE or _is_taken_otherwise(tag, vr, length):
            raise DamagedError
        if len(levels) == 1:
            # Which of two counts, readers decide differently; private ones count nowhere.
            if tag in seen and not group & 1:
                raise DamagedError
            seen.add(tag)
            walk.starts.append((tag, start))
        if tag == PIXEL_DATA and length == UNDEFINED:
            walk.encapsulated |= len(levels) == 1
            levels.append(_level(FRAGMENTS, position, length, limit, implicit))
        elif vr == b"SQ" or length == UNDEFINED or (vr in (b"", b"UN") and _holds_items(walk, tag, position)):
            if vr not in (b"", b"SQ", b"UN"):
                raise DamagedError
            if len(levels) > 2 * DEEPEST:
                raise TooDeepError
            levels.append(_level(ITEMS, position, length, limit, vr != b"SQ"))
            walk.depth = max(walk.depth, len(levels) // 2)
        else:
            position = _after(position, length, limit)
            if tag == PIXEL_DATA and len(levels) == 1:
                walk.pixels.append(Piece(position - length, length))
    walk.end = position


def _level(kind: int, position: int, length: int, limit: int, implicit: bool) -> _Level:
    end = None if length == UNDEFINED else _after(position, length, limit)
    return _Level(kind, end, limit if end is None else end, implicit)


def _after(position: int, length: int, limit: int) -> int:
    if position + length > limit:
        raise DamagedError
    return position + length


def _holds_items(walk: Walk, tag: int, position: int) -> bool:
    """Public sequences of known length do not show it in implicit encoding; private ones are never opened."""
    if tag >> 16 & 1 or tag == PIXEL_DATA:
        return False
    walk.file.seek(position)
    return walk.file.read(4) == struct.pack(walk.order + "HH", ITEM >> 16, ITEM & 0xFFFF)


def is_vr(text: bytes) -> bool:
    """True for a value representation of the standard."""
    return text in LONG or text in SHORT


def _is_taken_otherwise(tag: int, vr: bytes, length: int) -> bool:
    """True where GDCM changes the stated length to read certain old files."""
    return (
        (not vr and length == 13) or (vr == b"UL" and tag >> 16 == 9 and length == 6) or tag in (0x00FF4AA5, 0x01F71070)
    )


def _is_padding(file: BinaryIO) -> bool:
    return not any(any(block) for block in iter(lambda: file.read(2**16), b""))
