"""Settings from TOML or JSON files."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError


def read_table(path: Path) -> dict[str, Any]:
    """The table at the root of a TOML or JSON file.

    Raises:
        MedCLIPSegError: it is missing, damaged, of another kind or holds no table.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no file {path}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise MedCLIPSegError(f"The file {path} cannot be read as TOML or JSON: {error}.") from None
    if not isinstance(data, dict):
        raise MedCLIPSegError(f"The file {path} holds no table of settings.")
    return data
