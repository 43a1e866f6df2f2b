"""The marker of tests that need a graphics card."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Make ``-m cuda`` known."""
    config.addinivalue_line("markers", "cuda: needs a CUDA graphics card")
