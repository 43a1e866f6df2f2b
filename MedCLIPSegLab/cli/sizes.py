"""The size of a segment in words."""

from __future__ import annotations

from typing import Any


def size_text(entry: dict[str, Any]) -> str:
    """Volume, area or number of pixels of a segment by its entry in ``run.json``."""
    if not entry["voxels"]:
        return "nothing found"
    if "volume_ml" in entry:
        return f"{entry['volume_ml']:.2f} ml"
    if "area_mm2" in entry and entry["spacing_known"]:
        return f"{entry['area_mm2']:.1f} mm²"
    return f"{entry['voxels']} pixels"
