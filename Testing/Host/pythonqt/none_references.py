"""Keeps None alive in long test runs."""

from __future__ import annotations

import ctypes
import sys

ENOUGH = 1 << 40


def keepNoneAlive() -> None:
    """Give None references to spare: PySide6 drops one in every function of Qt that returns nothing.

    Python 3.11 aborts at its end when none are left, after some hundred tests of the panel. From 3.12 on None is
    immortal, and its references are not counted.
    """
    if sys.version_info < (3, 12) and sys.getrefcount(None) < ENOUGH:
        ctypes.c_ssize_t.from_address(id(None)).value += ENOUGH
