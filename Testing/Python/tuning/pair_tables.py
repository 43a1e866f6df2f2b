"""Tables of image-caption pairs."""

from __future__ import annotations

import csv
from pathlib import Path

REAL_IMAGES = Path(__file__).parents[2] / "Data" / "Probes"
REAL_SETS = ("BRISC", "BUSI", "ISIC", "Kvasir")


def write_table(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("filename", "Caption"), *rows])
    return path


def real_rows(part: slice) -> list[tuple[str, str]]:
    """Images of every set with their first caption."""
    rows = []
    for name in REAL_SETS:
        with (REAL_IMAGES / name / "Prompts_Folder" / "Test_text_original.csv").open(encoding="utf-8") as file:
            captions = {row["Image"]: row["Description"] for row in csv.DictReader(file)}
        rows += [(f"{name}/Test_Folder/img/{image}", text) for image, text in list(captions.items())[part]]
    return rows
