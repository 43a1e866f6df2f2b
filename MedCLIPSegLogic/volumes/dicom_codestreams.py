"""Size that compressed pixels state themselves; decoders believe it rather than the DICOM header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from .dicom_scan import damaged
from .dicom_walk import Piece

WINDOW = 2**16
"""Bytes in which a JPEG 2000 codestream states its size."""
JPEG, JPEG_2000, JPEG_2000_SIZE, JP2 = b"\xff\xd8", b"\xff\x4f", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP"
FRAME_HEADERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
MOST_SEGMENTS = 2**14
MOST_TILES = 2**14
"""Decoders take some kilobytes for each."""


def check_codestreams(path: Path, pieces: Sequence[Piece], rows: int, columns: int) -> None:
    """Hold the size in every JPEG, JPEG-LS and JPEG 2000 codestream against that of the header.

    Args:
        path: of the file.
        pieces: where the compressed fragments lie.
        rows, columns: as the header states them.

    Raises:
        MedCLIPSegError: a codestream states another size, or none.
    """
    with path.open("rb") as file:
        for piece in pieces:
            file.seek(piece.start)
            start = file.read(min(piece.length, WINDOW))
            if start.startswith(JPEG):
                size = _jpeg_size(file, piece)
            elif start.startswith((JPEG_2000, JP2)):
                size = _jpeg_2000_size(start)
            else:
                continue
            if size != (rows, columns):
                raise damaged(path)


def _jpeg_size(file: BinaryIO, piece: Piece) -> tuple[int, int] | None:
    """Go along the segments, of which color profiles and notes may be many and long."""
    position, end = piece.start + len(JPEG), piece.start + piece.length
    for _ in range(MOST_SEGMENTS):
        file.seek(position)
        data = file.read(9)
        if position + 9 > end or len(data) < 9 or data[0] != 0xFF:
            return None
        if data[1] in FRAME_HEADERS:
            return int.from_bytes(data[5:7], "big"), int.from_bytes(data[7:], "big")
        position += 1 if data[1] == 0xFF else 2 + int.from_bytes(data[2:4], "big")
    return None


def _jpeg_2000_size(data: bytes) -> tuple[int, int] | None:
    start = data.find(JPEG_2000_SIZE)
    if start < 0 or start + 42 > len(data):
        return None
    right, bottom, left, top, tile_width, tile_height, *_ = (
        int.from_bytes(data[at : at + 4], "big") for at in range(start + 8, start + 40, 4)
    )
    rows, columns = bottom - top, right - left
    if not (tile_width and tile_height) or -(-rows // tile_height) * -(-columns // tile_width) > MOST_TILES:
        return None
    return rows, columns
