"""What is told of a segment in a few words, by its entry in ``run.json``."""

from __future__ import annotations

from typing import Any

VERDICTS = {
    "found": "Found",
    "absent": "Not there",
    "not-understood": "Not understood",
    "foreign-image": "Foreign image",
    "doubtful": "Doubtful",
}


def size_text(entry: dict[str, Any]) -> str:
    """Volume, area or number of pixels."""
    if not entry["voxels"] and entry.get("removed_islands", {}).get("count"):
        return "nothing kept"
    if not entry["voxels"]:
        looked = entry["verdict"] in ("absent", "doubtful") and "denied" not in entry["doubts"]
        return "nothing found" if looked else "not outlined"
    if "volume_ml" in entry:
        return f"{entry['volume_ml']:.2f} ml"
    if "area_mm2" in entry:
        return f"{entry['area_mm2']:.1f} mm²"
    return f"{entry['voxels']} pixels"
