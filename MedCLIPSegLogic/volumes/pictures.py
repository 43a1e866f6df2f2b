"""Pictures without physical pixel size: PNG, JPEG, BMP and (multi-page) TIFF."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import COMPRESSION, PLANAR_CONFIGURATION, SAMPLEFORMAT, TiffImageFile

from ..errors import MedCLIPSegError
from .limits import check_claim
from .picture_geometry import picture_geometry
from .quiet import quiet_libraries
from .volume import Volume

# Pillow tells the terminal of some damages.
logging.getLogger("PIL").addHandler(logging.NullHandler())

ROWS_AT_ONCE = 256
FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
MOST_PAGES = 10_000

# Values of TIFF tags.
WHITE_IS_ZERO = 0
PLANES_APART = 2
UNSIGNED = (1,)
NOT_PACKED = 1
PACKED_LIKE_PNG = (6, 7, 8, 32773, 32946)
"""JPEG, deflate and PackBits; fax codes, LZW and others have no limit that is worth checking."""

LEAST_BITS = {"1": 1, "P": 1, "L": 2}
"""Bits in which a pixel may be stored, by mode; others take what they take in memory."""
BYTES = {"1": 1, "L": 1, "LA": 2, "P": 3, "RGB": 3, "I;16": 2, "I;16B": 2, "I;16L": 2}
MOST_BYTES = 4
SAMPLE_SCALES = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies grey values of few bits by."""
DEEP_COLORS = "RGB;16B"

Key = int | tuple[int, ...] | None


def read_picture(path: Path, name: str) -> Volume:
    """Read a picture upright (EXIF orientation applied).

    What is fully transparent is black, as it shows nothing; colors that are there below it do not count. Other pixels
    are as they are stored, however transparent.

    Returns:
        (1, H, W) uint8, uint16, int32, uint32 or float32 for grey, (1, H, W, 3) uint8 for colors and palettes;
        the pages of a TIFF file lie along K. 1-bit pictures hold 0 and 255, and 16-bit colors are scaled to 8 bits.
        For the matrix see ``picture_geometry``.

    Raises:
        MedCLIPSegError: damaged file, not a picture, pages of different sizes or kinds, or more pixels than the file
            or the memory can hold.
    """
    try:
        # Given a path, Pillow maps uncompressed TIFF files into memory and garbles those stored on their side.
        with quiet_libraries(), path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            key = _transparent_value(image)
            count = _check_pages(image, path)
            matrix = picture_geometry(image)
            pages = [_page(image, number, key) for number in range(count)]
    except Image.DecompressionBombError as error:
        raise MedCLIPSegError(
            f"{path} has more than {2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels; save it smaller, or "
            "cut out the part to segment."
        ) from error
    except (OSError, EOFError, ValueError, TypeError, SyntaxError, MemoryError) as error:
        raise MedCLIPSegError(
            f"{path} could not be read as a picture; it may be damaged or of another type, so copy or export it again."
        ) from error
    if len({(page.shape, page.dtype) for page in pages}) > 1:
        raise _different_pages(path)
    voxels = np.stack(pages) if count > 1 else pages[0][None]
    return Volume(voxels, matrix, name, spacing_known=False)


def _check_pages(image: Image.Image, path: Path) -> int:
    """Make sure, by the headers of all pages, that they fit together and into memory; returns their number.

    Raises:
        MedCLIPSegError: they don't.
        ValueError: there are too many, or some are missing.
    """
    count = 1
    if isinstance(image, TiffImageFile):
        first = image.size
        while image.tag_v2.next:
            if count == MOST_PAGES:
                raise ValueError("too many pages")
            try:
                image.seek(count)
            # Pillow silently stops where the chain of pages points beyond the end of a cut-off file, or backwards.
            except EOFError as error:
                raise ValueError("pages are missing") from error
            if image.size != first:
                raise _different_pages(path)
            count += 1
        image.seek(0)
    pixels, stored = image.width * image.height * count, path.stat().st_size
    in_memory = BYTES.get(image.mode, MOST_BYTES)
    check_claim(path, pixels, in_memory)
    compression = image.tag_v2.get(COMPRESSION, NOT_PACKED) if isinstance(image, TiffImageFile) else None
    is_packed = compression in (None, *PACKED_LIKE_PNG) and image.format != "BMP"
    if is_packed or compression == NOT_PACKED:
        bits = LEAST_BITS.get(image.mode, 8 * in_memory)
        check_claim(path, *((pixels, bits // 8) if bits >= 8 else (pixels * bits // 8, 1)), stored, is_packed)
    return count


def _page(image: Image.Image, number: int, key: Key) -> NDArray[np.generic]:
    if not isinstance(image, TiffImageFile):
        return _pixels(image, {}, key)
    image.seek(number)
    tags = image.tag_v2
    # Pillow would mix up 16-bit colors which are stored plane by plane.
    if tags.get(PLANAR_CONFIGURATION) == PLANES_APART and max(tags[Base.BitsPerSample]) > 8:
        raise ValueError("color planes of more than 8 bits")
    return _pixels(image, tags, key)


def _pixels(image: Image.Image, tags: Mapping[int, Any], key: Key) -> NDArray[np.generic]:
    """Pixels of the present page, (H, W) or (H, W, 3); ``tags`` are those of a TIFF page."""
    ImageOps.exif_transpose(image, in_place=True)
    pixels = _visible(image, key)
    if pixels.dtype.kind == "u" and pixels.itemsize == 2:
        # Pillow inverts white-is-zero TIFF files of 8 bits but not those of 16.
        inverted = tags.get(Base.PhotometricInterpretation) == WHITE_IS_ZERO
        return np.invert(pixels.astype(np.uint16)) if inverted else pixels.astype(np.uint16)
    # Pillow has no unsigned 32-bit mode and hands such pixels over as signed.
    unsigned = tags.get(Base.BitsPerSample) == (32,) and tags.get(SAMPLEFORMAT, UNSIGNED) == UNSIGNED
    return pixels.view(np.uint32) if pixels.dtype == np.int32 and unsigned else pixels


def _visible(image: Image.Image, key: Key) -> NDArray[np.generic]:
    """Pixels of a whole picture, a strip at a time as Pillow copies what it converts."""
    pixels: NDArray[np.generic] | None = None
    for top in range(0, image.height, ROWS_AT_ONCE):
        strip = image.crop((0, top, image.width, min(top + ROWS_AT_ONCE, image.height)))
        part, hidden = _opaque(strip), _hidden(strip, key)
        if hidden is not None:
            part[hidden] = 0
        if pixels is None:
            pixels = np.empty((image.height, *part.shape[1:]), part.dtype)
        pixels[top : top + ROWS_AT_ONCE] = part
    if pixels is None:
        raise ValueError("no rows")
    return pixels


def _opaque(image: Image.Image) -> NDArray[np.generic]:
    if image.mode in ("1", "LA", "La"):
        return np.array(image.convert("L"))
    if image.mode in ("L", "RGB", "F") or image.mode.startswith("I"):
        return np.array(image)
    return np.array(image.convert("RGB"))


def _hidden(image: Image.Image, key: Key) -> NDArray[np.bool_] | None:
    """(H, W) True where the picture is fully transparent; None where nothing is."""
    if image.getbands()[-1] in ("A", "a"):
        return np.array(image.getchannel(image.getbands()[-1])) == 0
    if image.mode == "P" and image.has_transparency_data:
        return np.array(image.convert("RGBA").getchannel("A")) == 0
    if key is None:
        return None
    same = _opaque(image) == np.array(key)
    return same.all(axis=-1) if isinstance(key, tuple) else same


def _transparent_value(image: Image.Image) -> Key:
    """The gray value or color of a PNG file that stands for nothing, as Pillow hands such pixels over."""
    key, tiles = image.info.get("transparency"), getattr(image, "tile", ())
    raw_mode = str(tiles[0][3]) if tiles else ""
    # Of colors of 16 bits Pillow keeps the upper half, and it spreads values of few bits.
    if isinstance(key, tuple):
        return tuple(part >> 8 for part in key) if raw_mode == DEEP_COLORS else key
    return key * SAMPLE_SCALES.get(raw_mode, 1) if isinstance(key, int) else None


def _different_pages(path: Path) -> MedCLIPSegError:
    return MedCLIPSegError(f"{path} holds pages of different sizes or kinds; save the page to segment by itself.")
