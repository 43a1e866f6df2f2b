"""A table of results as Markdown and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from MedCLIPSegLogic.files.replacing import write_csv, write_text

Cell = str | float | None


@dataclass(frozen=True)
class Table:
    """Results of one protocol.

    Args:
        title: of the table.
        columns: names.
        rows: texts, and Dice in percent; None where there is nothing.
        notes: sentences below the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    notes: list[str]

    def markdown(self) -> str:
        """The table with its notes."""
        lines = [f"# {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line([_text(cell) for cell in row]) for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)]) + "\n"

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write ``<name>.md`` and ``<name>.csv``."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / f"{name}.md", folder / f"{name}.csv"
        write_text(paths[0], self.markdown())
        write_csv(paths[1], self.columns, ([_text(cell) for cell in row] for row in self.rows))
        return paths


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _text(cell: Cell) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else cell or ""
