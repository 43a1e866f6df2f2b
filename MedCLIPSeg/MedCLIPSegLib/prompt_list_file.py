"""Prompt lists as CSV files."""

import csv
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path

from MedCLIPSegLib.prompt_rows import PromptRow
from MedCLIPSegLogic.errors import MedCLIPSegError

COLUMNS = ("name", "prompt", "color", "threshold")


def loadPromptList(path: str | Path) -> list[PromptRow]:
    """Read rows from a file with a header of `COLUMNS`, or with one prompt a line and no header.

    Only the column ``prompt`` has to be there; colors are written as #rrggbb.

    Raises:
        MedCLIPSegError: the file can't be read, holds no prompt, or a value doesn't fit.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MedCLIPSegError(f"The prompt list {path} can't be read as text: {error}.") from error
    lines = [line for line in csv.reader(io.StringIO(text, newline="")) if any(cell.strip() for cell in line)]
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    if "prompt" in header:
        rows = [_row(dict(zip(header, line, strict=False)), path, number) for number, line in enumerate(lines[1:], 2)]
    else:
        rows = [PromptRow(prompt=line.strip()) for line in text.splitlines() if line.strip()]
    if not rows:
        raise MedCLIPSegError(f"The prompt list {path} holds no prompt.")
    return rows


def savePromptList(rows: Iterable[PromptRow], path: str | Path) -> None:
    """Write rows; an existing file is replaced when all went well.

    Raises:
        MedCLIPSegError: the file can't be written.
    """
    path = Path(path)
    try:
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=path.parent) as folder:
            file = Path(folder) / path.name
            with file.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow(COLUMNS)
                writer.writerows((row.name, row.prompt, _hex(row), row.threshold) for row in rows)
            file.replace(path)
    except OSError as error:
        raise MedCLIPSegError(f"The prompt list {path} can't be written: {error.strerror or error}.") from error


def _row(entry: dict[str, str], path: Path, number: int) -> PromptRow:
    prompt = entry.get("prompt", "").strip()
    if not prompt:
        raise MedCLIPSegError(f"Row {number} of the prompt list {path} has no prompt.")
    row = {"prompt": prompt, "name": entry.get("name", "").strip()}
    values: dict[str, object] = {}
    color = entry.get("color", "").strip()
    if color:
        try:
            values["color"] = tuple(part / 255 for part in bytes.fromhex(color.removeprefix("#")))
        except ValueError:
            values["color"] = ()
        if len(values["color"]) != 3:  # type: ignore[arg-type]
            raise MedCLIPSegError(f"Row {number} of the prompt list {path} has the color “{color}”; write #rrggbb.")
    threshold = entry.get("threshold", "").strip()
    if threshold:
        try:
            values["threshold"] = float(threshold)
        except ValueError:
            values["threshold"] = 0.0
        if not 0 < values["threshold"] < 1:  # type: ignore[operator]
            raise MedCLIPSegError(
                f"Row {number} of the prompt list {path} has the threshold “{threshold}”; it lies between 0 and 1."
            )
    return PromptRow(**row, **values)  # type: ignore[arg-type]


def _hex(row: PromptRow) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in row.color)
