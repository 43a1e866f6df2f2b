"""The rows of the prompt table, without their widgets."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from MedCLIPSegLib.signal import Signal

NEW, QUEUED, RUNNING, DONE, EMPTY, EDITED, FAILED = "new", "queued", "running", "done", "empty", "edited", "failed"
"""What became of a row."""

Color = tuple[float, float, float]
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class PromptRow:
    """One segment to find.

    Args:
        prompt: what to look for, as typed; may be empty while a person is still typing.
        name: name of the segment; the prompt when empty.
        color: red, green and blue, 0…1.
        threshold: probability above which a voxel is inside, 0…1 exclusive.
        islands: connected parts that are kept: "all", "largest", or the least size of one, see
            `MedCLIPSegLogic.inference.islands`.
        segmentId: the segment the last run of this row wrote; empty before the first.
        rowId: tells rows apart; never shown.
    """

    prompt: str = ""
    name: str = ""
    color: Color = (0.337, 0.706, 0.914)
    threshold: float = DEFAULT_THRESHOLD
    islands: str | float = "all"
    segmentId: str = ""
    rowId: str = field(default_factory=lambda: uuid4().hex[:12])

    @property
    def label(self) -> str:
        """The name, or the prompt when it has none."""
        return self.name or self.prompt

    @property
    def canRun(self) -> bool:
        """True when there is something to look for."""
        return bool(self.prompt.strip())


class PromptRows:
    """The list of rows.

    ``changed()`` is called after every change, however it came about.

    Args:
        colors: colors new rows take in turn.
    """

    def __init__(self, colors: Sequence[Color]) -> None:
        self.changed: Signal[[]] = Signal()
        self._colors = tuple(colors)
        self._rows: list[PromptRow] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[PromptRow]:
        return iter(tuple(self._rows))

    def __getitem__(self, index: int) -> PromptRow:
        return self._rows[index]

    def indexOf(self, rowId: str) -> int:
        """Place of a row, -1 when it is gone."""
        return next((index for index, row in enumerate(self._rows) if row.rowId == rowId), -1)

    def add(self, prompts: Iterable[str]) -> list[PromptRow]:
        """Add one row per prompt at the end; returns them."""
        added: list[PromptRow] = []
        for prompt in prompts:
            added.append(PromptRow(prompt=prompt, color=self._nextColor(added)))
        self._rows += added
        if added:
            self.changed()
        return added

    def remove(self, index: int) -> None:
        """Take a row out; its segment stays in the scene."""
        del self._rows[index]
        self.changed()

    def duplicate(self, index: int) -> PromptRow:
        """Add a copy with a color of its own and no segment behind a row; returns it."""
        copy = replace(self._rows[index], color=self._nextColor([]), segmentId="", rowId=PromptRow().rowId)
        self._rows.insert(index + 1, copy)
        self.changed()
        return copy

    def move(self, index: int, by: int) -> int:
        """Move a row up (negative) or down; returns its new place."""
        place = min(max(index + by, 0), len(self._rows) - 1)
        if place != index:
            self._rows.insert(place, self._rows.pop(index))
            self.changed()
        return place

    def update(self, rowId: str, **values: Any) -> None:
        """Give a row other values; does nothing when it is gone or nothing differs."""
        index = self.indexOf(rowId)
        if index < 0:
            return
        row = replace(self._rows[index], **values)
        if row != self._rows[index]:
            self._rows[index] = row
            self.changed()

    def replaceAll(self, rows: Iterable[PromptRow]) -> None:
        """Show other rows."""
        self._rows = list(rows)
        self.changed()

    def toJson(self) -> str:
        """All rows as plain ASCII text for the scene."""
        return json.dumps([asdict(row) for row in self._rows]) if self._rows else ""

    @staticmethod
    def parse(text: str) -> list[PromptRow]:
        """Rows of a text made by `toJson`. What cannot be understood is left out: scenes come from anywhere."""
        try:
            entries = json.loads(text) if text else []
        except ValueError:
            return []
        return [_row(entry) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []

    def _nextColor(self, added: Sequence[PromptRow]) -> Color:
        used = [row.color for row in (*self._rows, *added)]
        return min(self._colors, key=used.count)


def _row(entry: dict[str, Any]) -> PromptRow:
    texts = {name: entry[name] for name in ("prompt", "name", "segmentId", "rowId") if isinstance(entry.get(name), str)}
    row = PromptRow(**{name: text for name, text in texts.items() if text or name != "rowId"})
    color = entry.get("color")
    if isinstance(color, list) and len(color) == 3 and all(_isShare(part) for part in color):
        row = replace(row, color=(float(color[0]), float(color[1]), float(color[2])))
    threshold = entry.get("threshold")
    if threshold is not None and _isShare(threshold) and 0 < threshold < 1:
        row = replace(row, threshold=float(threshold))
    islands = entry.get("islands")
    if islands is not None and (islands == "largest" or (_isNumber(islands) and islands > 0)):
        row = replace(row, islands=islands)
    return row


def _isNumber(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _isShare(value: Any) -> bool:
    return _isNumber(value) and 0 <= value <= 1
