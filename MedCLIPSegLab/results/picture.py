"""A figure that notebooks show."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import BinaryIO

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure of matplotlib without a window: notebooks show it, whatever their backend, and nothing else keeps it."""

    def write(self, file: Path | BinaryIO) -> None:
        """Write it as PNG."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # letters the font lacks are drawn as boxes
            self.savefig(file, format="png")

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.write(file)
        return file.getvalue()
