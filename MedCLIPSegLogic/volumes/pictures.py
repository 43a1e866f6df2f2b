"""Pictures without physical pixel size: PNG, JPEG, BMP and (multi-page) TIFF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import PLANAR_CONFIGURATION, SAMPLEFORMAT, TiffImageFile

from ..errors import MedCLIPSegError
from .volume import PICTURE_IJK_TO_RAS, Volume

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")

# Values of TIFF tags.
WHITE_IS_ZERO = 0
PLANES_APART = 2
UNSIGNED = (1,)


def read_picture(path: Path, name: str) -> Volume:
    """Read a picture upright (EXIF orientation applied).

    Returns:
        (1, H, W) uint8, uint16, int32, uint32 or float32 for grey, (1, H, W, 3) uint8 for colors and palettes;
        the pages of a TIFF file lie along K. Alpha is dropped, 1-bit pictures hold 0 and 255, and 16-bit colors
        are scaled to 8 bits.

    Raises:
        MedCLIPSegError: damaged file, not a picture, or pages of different sizes or kinds.
    """
    try:
        # Given a path, Pillow maps uncompressed TIFF files into memory and garbles those stored on their side.
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            pages = _tiff_pages(image) if isinstance(image, TiffImageFile) else [_pixels(image, {})]
    except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise MedCLIPSegError(
            f"{path} could not be read as a picture; it may be damaged, too large or of another type, "
            "so copy or export it again."
        ) from error
    if len({(page.shape, page.dtype) for page in pages}) > 1:
        raise MedCLIPSegError(f"{path} holds pages of different sizes or kinds; save the page to segment by itself.")
    return Volume(np.stack(pages), PICTURE_IJK_TO_RAS.copy(), name, spacing_known=False)


def _tiff_pages(image: TiffImageFile) -> list[NDArray[np.generic]]:
    pages = []
    for number in range(image.n_frames):
        image.seek(number)
        tags = image.tag_v2
        # Pillow would mix up 16-bit colors which are stored plane by plane.
        if tags.get(PLANAR_CONFIGURATION) == PLANES_APART and max(tags[Base.BitsPerSample]) > 8:
            raise ValueError("color planes of more than 8 bits")
        pages.append(_pixels(image, tags))
    # Pillow silently stops where the chain of pages points beyond the end of a cut-off file.
    if image.tag_v2.next:
        raise ValueError("pages are missing")
    return pages


def _pixels(image: Image.Image, tags: Mapping[int, Any]) -> NDArray[np.generic]:
    """Pixels of the present page, (H, W) or (H, W, 3); ``tags`` are those of a TIFF page."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("1", "LA", "La"):
        upright = upright.convert("L")
    elif upright.mode not in ("L", "RGB", "F") and not upright.mode.startswith("I"):
        upright = upright.convert("RGB")
    pixels = np.array(upright)
    if pixels.dtype.kind == "u" and pixels.itemsize == 2:
        # Pillow inverts white-is-zero TIFF files of 8 bits but not those of 16.
        inverted = tags.get(Base.PhotometricInterpretation) == WHITE_IS_ZERO
        return np.invert(pixels.astype(np.uint16)) if inverted else pixels.astype(np.uint16)
    # Pillow has no unsigned 32-bit mode and hands such pixels over as signed.
    unsigned = tags.get(Base.BitsPerSample) == (32,) and tags.get(SAMPLEFORMAT, UNSIGNED) == UNSIGNED
    return pixels.view(np.uint32) if pixels.dtype == np.int32 and unsigned else pixels
