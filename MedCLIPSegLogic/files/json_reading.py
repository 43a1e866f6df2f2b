"""JSON files that people or other programs may have damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError, quoted
from .text_reading import read_text

MAX_DIGITS = 300
"""Of a whole number, so that it still fits a float."""


def parse_json(text: str, source: object) -> Any:
    """Parsed JSON, whose numbers are finite.

    Args:
        text: JSON text.
        source: file named in the message.

    Raises:
        MedCLIPSegError: it is no JSON, or holds NaN, an infinity or a number of absurd size.
    """
    try:
        return json.loads(text, parse_constant=_number, parse_float=_number, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise MedCLIPSegError(f"{source} is not readable JSON: {quoted(error)}.") from None


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"it holds the number {quoted(digits)}")
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        FileNotFoundError: there is none.
        MedCLIPSegError: it cannot be read or is no JSON.
    """
    return parse_json(read_text(path), path)
