"""Prompt lists as CSV files."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from MedCLIPSegLib.prompts.prompt_rows import DEFAULT_THRESHOLD, Color, PromptRow
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import replacing

COLUMNS = ("name", "prompt", "color", "threshold")
MAX_BYTES = 1_000_000
"""More than thousands of prompts need: a scan that was picked by mistake must not fill the table."""

_HEX = re.compile(r"#?[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class ListedPrompt:
    """One entry of a list.

    Args:
        prompt: what to look for.
        name: name of the segment; empty for the prompt.
        color: red, green and blue, 0…1; None when the list leaves it open.
        threshold: 0…1 exclusive.
    """

    prompt: str
    name: str = ""
    color: Color | None = None
    threshold: float = DEFAULT_THRESHOLD


def loadPromptList(path: str | Path) -> list[ListedPrompt]:
    """Read a list.

    With a header, which has a column "prompt", the other columns of `COLUMNS` may be missing and unknown ones are
    passed by; cells are separated by commas, semicolons or tabs. Without a header every line is a prompt.

    Raises:
        MedCLIPSegError: the file can't be read, holds no prompt, or a value doesn't fit; names file and line.
    """
    path = Path(path)
    lines = _text(path).splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    table, skipped = lines[first:], first
    delimiter = _delimiter(table[0]) if table else ""
    if table and not _isHeader(table[0], delimiter):
        # A prompt may have commas, so a line without its neighbors is one, unless it is in quotes.
        table = [delimiter.join(COLUMNS) + "\n", *table] if delimiter else ["prompt\n", *map(_quoted, table)]
        skipped -= 1
    entries = list(_entries(table, delimiter or ",", path, skipped))
    if not entries:
        raise MedCLIPSegError(f"The prompt list {path} holds no prompt; write one a line.")
    return entries


def savePromptList(rows: Iterable[PromptRow], path: str | Path, overwrite: bool = False) -> None:
    """Write rows that have a prompt, whole or not at all.

    Args:
        rows: of the table.
        path: file to write.
        overwrite: replace an existing file.

    Raises:
        MedCLIPSegError: the file exists and ``overwrite`` is False, or it can't be written.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise MedCLIPSegError(f"The file {path} exists already; choose another name.")
    try:
        # Spreadsheet programs take text without this mark for the system's old code page.
        with replacing(path) as file, file.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS)
            writer.writerows((row.name, row.prompt, _hex(row.color), row.threshold) for row in rows if row.canRun)
    except (OSError, UnicodeEncodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise MedCLIPSegError(f"The prompt list {path} can't be written: {reason}.") from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MedCLIPSegError(f"The file {path} is too large for a prompt list; choose a CSV file of prompts.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise MedCLIPSegError(f"The prompt list {path} is not UTF-8 text; save it as “CSV UTF-8”.") from None
    except OSError as error:
        raise MedCLIPSegError(f"The prompt list {path} can't be read: {error.strerror or error}.") from None


def _delimiter(line: str) -> str:
    """What separates the cells of a table's first line; empty when the line is a lone prompt."""
    for delimiter in ",;\t":
        cells = _cells(line, delimiter)
        isRow = len(cells) == len(COLUMNS) and bool(_HEX.fullmatch(cells[2])) and parseThreshold(cells[3]) is not None
        if "prompt" in cells or isRow:
            return delimiter
    return ""


def _isHeader(line: str, delimiter: str) -> bool:
    return bool(delimiter) and "prompt" in _cells(line, delimiter)


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip().lower() for cell in next(csv.reader([line], delimiter=delimiter), [])]


def _entries(lines: list[str], delimiter: str, path: Path, skipped: int) -> Iterator[ListedPrompt]:
    """Entries below a header; ``skipped`` lines of the file come before it."""
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter)
    header: list[str] | None = None
    line = skipped + 1
    try:
        for cells in reader:
            if header is None:
                header = [cell.strip().lower() for cell in cells]
            elif any(cell.strip() for cell in cells):
                if len(header) == 1:
                    cells = [delimiter.join(cells)]
                if any(cell.strip() for cell in cells[len(header) :]):
                    _fail(path, line, f"has {len(cells)} cells for {len(header)} columns; put texts in quotes")
                yield _entry(dict(zip(header, (cell.strip() for cell in cells), strict=False)), path, line)
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        _fail(path, line, f"can't be read: {error}")


def _entry(cells: dict[str, str], path: Path, line: int) -> ListedPrompt:
    prompt = cells.get("prompt", "")
    if not prompt:
        _fail(path, line, "has no prompt")
    color = None
    if written := cells.get("color", ""):
        if not _HEX.fullmatch(written):
            _fail(path, line, f"has the color “{written}”; write it as #rrggbb")
        red, green, blue = bytes.fromhex(written.removeprefix("#"))
        color = (red / 255, green / 255, blue / 255)
    threshold = DEFAULT_THRESHOLD
    if written := cells.get("threshold", ""):
        parsed = parseThreshold(written)
        if parsed is None:
            _fail(path, line, f"has the threshold “{written}”; write a number between 0 and 1")
        threshold = parsed
    return ListedPrompt(prompt, cells.get("name", ""), color, threshold)


def parseThreshold(text: str) -> float | None:
    """The threshold a person wrote, with a decimal point or comma; None unless it lies between 0 and 1."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if 0 < value < 1 else None


def _fail(path: Path, line: int, problem: str) -> NoReturn:
    raise MedCLIPSegError(f"Line {line} of the prompt list {path} {problem}.")


def _quoted(line: str) -> str:
    """A line without header as one cell."""
    plain = line.strip()
    isQuoted = len(plain) > 1 and plain[0] == plain[-1] == '"' and '"' not in plain[1:-1].replace('""', "")
    if not plain or isQuoted:
        return plain + "\n"
    return '"' + plain.replace('"', '""') + '"\n'


def _hex(color: Color) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in color)
