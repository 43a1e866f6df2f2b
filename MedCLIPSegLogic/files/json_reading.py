"""JSON files that people or other programs may have damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError, quoted
from .text_reading import read_text


def parse_json(text: str, source: object) -> Any:
    """Parsed JSON.

    Args:
        text: JSON text.
        source: file named in the message.

    Raises:
        MedCLIPSegError: it is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MedCLIPSegError(f"{source} is not readable JSON: {quoted(error)}.") from None


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        FileNotFoundError: there is none.
        MedCLIPSegError: it cannot be read or is no JSON.
    """
    return parse_json(read_text(path), path)
