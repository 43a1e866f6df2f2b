"""The imports of the product as a graph, read from the source without running it."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[3]
PANEL, LAB, LOGIC = PACKAGES = ("MedCLIPSegLib", "MedCLIPSegLab", "MedCLIPSegLogic")


@cache
def import_graph(with_types: bool = True) -> grimp.ImportGraph:
    """Imports between all modules, wherever in a file they stand, and to the top names of other packages.

    Args:
        with_types: imports under ``TYPE_CHECKING`` count too.
    """
    sys.path[:0] = [str(ROOT), str(ROOT / "MedCLIPSeg")]
    try:
        return grimp.build_graph(
            *PACKAGES, include_external_packages=True, exclude_type_checking_imports=not with_types, cache_dir=None
        )
    finally:
        del sys.path[:2]


def inside(name: str, *packages: str) -> bool:
    """True for the packages themselves and for what lies in them."""
    return f"{name}.".startswith(tuple(f"{package}." for package in packages))
