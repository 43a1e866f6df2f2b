"""Where ITK, and with it 3D Slicer, puts the pixels of a picture."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION, TiffImageFile

from .volume import PICTURE_IJK_TO_RAS

MM_OF_JFIF_UNIT: dict[float, float] = {1: 25.4, 2: 10.0}
MM_OF_TIFF_UNIT: dict[float, float] = {2: 25.4, 3: 10.0}

TURNED = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
"""By orientation tag: rows of the stored picture are columns of the upright one; stored rows and columns run back."""
TURNED_IN_TIFF = {5: (True, False, False), 6: (True, True, True), 7: (True, False, False), 8: (True, True, True)}
"""The same for what ITK makes of a TIFF file: it mirrors but does not exchange rows and columns."""


def picture_geometry(image: Image.Image) -> NDArray[np.float64]:
    """Return the (4, 4) IJK-to-RAS matrix of an upright picture, given as it is stored.

    ITK takes the pixel size from the density of a JFIF header or of TIFF tags that name their unit, and 1 mm from all
    other files. It does not turn pictures by their orientation tag; the matrix of the turned pixels does, so that
    masks of them lie on the picture as ITK shows it.
    """
    width, height = _stored_size(image)
    size_x, size_y = _pixel_size(image)
    turns = TURNED_IN_TIFF if isinstance(image, TiffImageFile) else TURNED
    is_exchanged, rows_back, columns_back = turns.get(orientation(image), (False, False, False))
    # Columns: where one step right and one step down in the upright picture lead in the stored one; the first pixel.
    down = np.array([0.0, -size_y if rows_back else size_y])
    right = np.array([-size_x if columns_back else size_x, 0.0])
    matrix = np.eye(4)
    matrix[:2, 0], matrix[:2, 1] = (down, right) if is_exchanged else (right, down)
    matrix[:2, 3] = ((width - 1) * size_x if columns_back else 0.0), ((height - 1) * size_y if rows_back else 0.0)
    return PICTURE_IJK_TO_RAS @ matrix


def orientation(image: Image.Image) -> int:
    """The orientation tag; 1, upright, where there is none that counts."""
    value = image.getexif().get(Base.Orientation, 1)
    return value if value in TURNED else 1


def _stored_size(image: Image.Image) -> tuple[int, int]:
    # Pillow tells the upright size of TIFF files.
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2[Base.ImageWidth]), int(image.tag_v2[Base.ImageLength])
    return image.size


def _pixel_size(image: Image.Image) -> tuple[float, float]:
    """Width and height of a pixel in mm."""
    if isinstance(image, TiffImageFile):
        unit = MM_OF_TIFF_UNIT.get(_number(image.tag_v2.get(RESOLUTION_UNIT)))
        densities = [_number(image.tag_v2.get(tag)) for tag in (X_RESOLUTION, Y_RESOLUTION)]
    else:
        unit = MM_OF_JFIF_UNIT.get(image.info.get("jfif_unit", 0))
        densities = [float(number) for number in image.info.get("jfif_density", (0, 0))]
    if unit is None or not all(isfinite(density) and density > 0 for density in densities):
        return 1.0, 1.0
    x, y = densities
    return unit / x, unit / y


def _number(value: Any) -> float:
    """A tag as a number; 0 for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
