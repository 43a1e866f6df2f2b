"""The versions that shape a result, for its record."""

from __future__ import annotations

import platform

import numpy as np
import torch

from ..version import __version__


def versions() -> dict[str, str]:
    """Versions of this product, Python, torch and numpy."""
    return {
        "medclipseg": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
