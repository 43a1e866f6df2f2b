"""DICOM files that lie, nest, or are broken, made from valid ones."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

EXPLICIT, IMPLICIT, BIG_ENDIAN = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2"
DEFLATED, JPEG, JPEG_2000, RLE = (b"1.2.840.10008.1.2." + end for end in (b"1.99", b"4.50", b"4.90", b"5"))
ITEM, ITEM_END, SEQUENCE_END, OPEN = 0xE000, 0xE00D, 0xE0DD, 0xFFFFFFFF
LONG = (b"OB", b"OW", b"SQ", b"UN")
PIXELS = bytes(range(128))
PROFILE = b"\xff\xe2\xff\xfe" + bytes(65532)
"""The longest segment of a JPEG codestream; longer color profiles take several."""


class Encoding:
    """Elements in one encoding."""

    def __init__(self, order: str = "<", implicit: bool = False) -> None:
        self.order, self.implicit = order, implicit

    def element(self, tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
        length = len(value) if length is None else length
        head = struct.pack(self.order + "HH", tag >> 16, tag & 0xFFFF)
        if self.implicit:
            return head + struct.pack(self.order + "L", length) + value
        if vr in LONG:
            return head + vr + struct.pack(self.order + "HL", 0, length) + value
        return head + vr + struct.pack(self.order + "H", length) + value

    def mark(self, element: int, length: int) -> bytes:
        return struct.pack(self.order + "HHL", 0xFFFE, element, length)

    def number(self, tag: int, value: int) -> bytes:
        return self.element(tag, b"US", struct.pack(self.order + "H", value))

    def nested(self, depth: int, vr: bytes = b"SQ", tag: int = 0x00400275, is_open: bool = True) -> bytes:
        """Sequences within sequences, of undefined or of stated length."""
        if is_open:
            start = self.element(tag, vr, b"", OPEN) + self.mark(ITEM, OPEN)
            return start * depth + (self.mark(ITEM_END, 0) + self.mark(SEQUENCE_END, 0)) * depth
        inside = b""
        for _ in range(depth):
            inside = self.element(tag, vr, self.mark(ITEM, len(inside)) + inside)
        return inside

    def image(self, rows: int = 8, columns: int = 8, bits: int = 16, frames: bytes = b"", more: bytes = b"") -> bytes:
        """Header of an image up to its pixels; ``more`` are elements from group 0028 on."""
        return b"".join(
            (
                self.element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
                self.element(0x0020000E, b"UI", b"1.2.3.4\0"),
                self.number(0x00280002, 1),
                self.element(0x00280004, b"CS", b"MONOCHROME2 "),
                self.element(0x00280008, b"IS", frames) if frames else b"",
                self.number(0x00280010, rows),
                self.number(0x00280011, columns),
                self.number(0x00280100, bits),
                self.number(0x00280101, bits),
                self.number(0x00280102, bits - 1),
                self.number(0x00280103, 0),
                more,
            )
        )

    def pixels(self) -> bytes:
        return self.element(0x7FE00010, b"OW", PIXELS)


LITTLE, BIG, PLAIN = Encoding(), Encoding(">"), Encoding(implicit=True)


def file(syntax: bytes | None, content: bytes, preamble: bytes = bytes(128) + b"DICM") -> bytes:
    """A whole file; without a transfer syntax if that is None."""
    meta = LITTLE.element(0x00020001, b"OB", b"\0\1")
    if syntax is not None:
        meta += LITTLE.element(0x00020010, b"UI", syntax + b"\0" * (len(syntax) % 2))
    return preamble + LITTLE.element(0x00020000, b"UL", struct.pack("<L", len(meta))) + meta + content


def compressed(syntax: bytes, *fragments: bytes, rows: int = 8, columns: int = 8, frames: bytes = b"") -> bytes:
    """A file with compressed fragments."""
    pieces = (b"", *(fragment + b"\0" * (len(fragment) % 2) for fragment in fragments))
    pixels = LITTLE.element(0x7FE00010, b"OB", b"", OPEN)
    pixels += b"".join(LITTLE.mark(ITEM, len(piece)) + piece for piece in pieces) + LITTLE.mark(SEQUENCE_END, 0)
    return file(syntax, LITTLE.image(rows, columns, 8, frames) + pixels)


def codestream(kind: str, rows: int = 8, columns: int = 8) -> bytes:
    """An 8 by 8 picture which may state another size."""
    buffer = BytesIO()
    Image.new("L", (8, 8)).save(buffer, kind, **({"no_jp2": True} if kind == "JPEG2000" else {}))
    data = bytearray(buffer.getvalue())
    if kind == "JPEG":
        start = data.index(b"\xff\xc0") + 5
        data[start : start + 4] = struct.pack(">HH", rows, columns)
    else:
        start = data.index(b"\xff\x51") + 6
        data[start : start + 8] = struct.pack(">LL", columns, rows)
    return bytes(data)


def deflated(content: bytes) -> bytes:
    """Content as in the deflated transfer syntax."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def valid() -> dict[str, bytes]:
    """Files that can be read, one of each encoding."""
    return {
        "explicit": file(EXPLICIT, LITTLE.image() + LITTLE.pixels()),
        "implicit": file(IMPLICIT, PLAIN.image() + PLAIN.pixels()),
        "big endian": file(BIG_ENDIAN, BIG.image() + BIG.pixels()),
        "deflated": file(DEFLATED, deflated(LITTLE.image() + LITTLE.pixels())),
        "bare": PLAIN.image() + PLAIN.pixels(),
        "jpeg": compressed(JPEG, codestream("JPEG")),
        "jpeg 2000": compressed(JPEG_2000, codestream("JPEG2000")),
        "rle": compressed(RLE, struct.pack("<16L", 1, 64, *[0] * 14) + b"\xc1\0"),
        "nested a little": file(EXPLICIT, LITTLE.image(more=LITTLE.nested(5)) + LITTLE.pixels()),
        "private junk": file(
            EXPLICIT,
            LITTLE.element(0x00091010, b"UN", LITTLE.mark(ITEM, 77) + b"x" * 30) + LITTLE.image() + LITTLE.pixels(),
        ),
        "private twice": file(
            EXPLICIT, LITTLE.image(more=2 * LITTLE.element(0x00291010, b"LO", b"ab")) + LITTLE.pixels()
        ),
        "jpeg after a long profile": compressed(JPEG, b"\xff\xd8" + PROFILE * 3 + codestream("JPEG")[2:]),
        "padded": file(EXPLICIT, LITTLE.image() + LITTLE.pixels()) + bytes(600),
    }


def hostile() -> dict[str, bytes]:
    """Files that must be refused."""
    private = 0x00291010
    end = LITTLE.pixels()
    files = {
        "no syntax": file(None, LITTLE.image() + end),
        "no preamble": file(EXPLICIT, LITTLE.image() + end, b""),
        "65535 squared": file(EXPLICIT, LITTLE.image(65535, 65535) + end),
        "half the pixels": file(EXPLICIT, LITTLE.image(16, 8) + end),
        "frames beyond int": file(EXPLICIT, LITTLE.image(frames=b"9" * 6000) + end),
        "length of 4 GB": file(EXPLICIT, LITTLE.element(private, b"OB", b"", OPEN - 1) + LITTLE.image() + end),
        "implicit length of 4 GB": file(IMPLICIT, PLAIN.element(private, b"", b"", OPEN - 1) + PLAIN.image()),
        "meta length of 4 GB": file(EXPLICIT, b"").replace(b"OB\0\0\2", b"OB\0\0\xfe"),
        "implicit in explicit": file(EXPLICIT, PLAIN.image() + PLAIN.pixels()),
        "explicit in implicit": file(IMPLICIT, LITTLE.image() + end),
        "two sizes": file(EXPLICIT, LITTLE.image() + LITTLE.number(0x00280010, 65535) + end),
        "unknown kind": file(EXPLICIT, LITTLE.element(private, b"ZZ", b"abcd") + LITTLE.image() + end),
        "rows as text": file(
            EXPLICIT,
            LITTLE.image().replace(LITTLE.number(0x00280010, 8), LITTLE.element(0x00280010, b"LO", b"many")) + end,
        ),
        "deflated bomb": file(
            DEFLATED, deflated(LITTLE.element(private, b"OB", bytes(3 * 10**8)) + LITTLE.image() + end)
        ),
        "deflated, cut": file(DEFLATED, deflated(LITTLE.image() + end)[:-8]),
        "million items": file(
            EXPLICIT,
            LITTLE.element(0x00400275, b"SQ", b"", OPEN) + LITTLE.mark(ITEM, 0) * 10**6 + LITTLE.mark(SEQUENCE_END, 0),
        ),
        "jpeg of another size": compressed(JPEG, codestream("JPEG", 65500, 65500)),
        "jpeg of 4 GB": compressed(JPEG, codestream("JPEG", 65500, 65500), rows=65500, columns=65500),
        "second jpeg": compressed(JPEG, codestream("JPEG"), codestream("JPEG", 60000, 60000), frames=b"2 "),
        "jpeg in two parts": compressed(JPEG, b"\xff\xd8", codestream("JPEG", 60000, 60000)[2:]),
        "jpeg of fill bytes": compressed(JPEG, b"\xff\xd8" + b"\xff" * 10**7),
        "jpeg 2000 of another size": compressed(JPEG_2000, codestream("JPEG2000", OPEN, OPEN)),
        "more frames than fragments": compressed(JPEG, codestream("JPEG"), frames=b"99999 "),
        "empty": b"",
        "only a preamble": bytes(128) + b"DICM",
        "text": b"not an image\n" * 99,
    }
    for depth in (12, 5000, 100_000):
        for is_open in (True, False) if depth < 10**5 else (True,):
            files[f"{depth} deep, open {is_open}"] = file(
                EXPLICIT, LITTLE.image(more=LITTLE.nested(depth, is_open=is_open)) + end
            )
            files[f"{depth} deep, implicit, open {is_open}"] = file(
                IMPLICIT, PLAIN.image(more=PLAIN.nested(depth, is_open=is_open)) + PLAIN.pixels()
            )
        files[f"{depth} deep, big endian"] = file(BIG_ENDIAN, BIG.image(more=BIG.nested(depth)) + BIG.pixels())
        files[f"{depth} deep, deflated"] = file(DEFLATED, deflated(LITTLE.image(more=LITTLE.nested(depth)) + end))
        files[f"{depth} deep, bare"] = PLAIN.image(more=PLAIN.nested(depth)) + PLAIN.pixels()
        files[f"{depth} deep, private"] = file(EXPLICIT, LITTLE.image(more=LITTLE.nested(depth, tag=private)) + end)
        files[f"{depth} deep behind the pixels"] = file(
            EXPLICIT, LITTLE.image() + end + LITTLE.nested(depth, tag=0x7FE11010)
        )
        unknown = LITTLE.element(private, b"UN", b"", OPEN) + LITTLE.mark(ITEM, OPEN) + PLAIN.nested(depth)
        unknown += LITTLE.mark(ITEM_END, 0) + LITTLE.mark(SEQUENCE_END, 0)
        files[f"{depth} deep, unknown"] = file(EXPLICIT, LITTLE.image(more=unknown) + end)
        files[f"{depth} deep, never closed"] = file(EXPLICIT, LITTLE.image(more=LITTLE.nested(depth)[: depth * 20]))
    return files


def mutated(count: int) -> Iterator[tuple[str, bytes]]:
    """Valid files with a few bytes changed, taken out or put in; the same ones each time."""
    draw, sources = random.Random(5), list(valid().items())
    marks = (b"\xff" * 4, b"\xfe\xff\x00\xe0", b"\0\0\0\x80", b"SQ\0\0", b"\xfe\xff\x0d\xe0", b"\0\0\0\0")
    for number in range(count):
        name, data = sources[number % len(sources)]
        changed = bytearray(data)
        for _ in range(draw.choice((1, 1, 2, 8))):
            place = draw.randrange(len(changed))
            match draw.randrange(4):
                case 0:
                    changed[place] = draw.randrange(256)
                case 1:
                    mark = draw.choice(marks)
                    changed[place : place + 4] = mark
                case 2:
                    del changed[place : place + draw.randrange(1, 9)]
                case 3:
                    changed[place:place] = draw.randbytes(draw.randrange(1, 9))
        yield f"{number} of {name}", bytes(changed)
