"""Settings as they are read: tables of TOML or JSON files, and what earlier versions recorded."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.text_reading import read_text

_WITHOUT_EFFECT: dict[str, Any] = {
    "samples": 1,
    "sample_loss": "each",
    "adapter_members": 1,
    "loss.variance": 0.0,
    "loss.energy": 0.0,
}
"""The values with which a run is what it is without them."""
_IGNORED = "loss.prior_variance"
"""Says nothing without a weight on it."""


def without_earlier_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded settings without those that are gone.

    Raises:
        MedCLIPSegError: one of them changed the training.
    """
    kept = {}
    for name, value in settings.items():
        if name == "loss" and isinstance(value, Mapping):
            parts = without_earlier_options({f"loss.{part}": weight for part, weight in value.items()})
            kept[name] = {part.removeprefix("loss."): weight for part, weight in parts.items()}
        elif name in _WITHOUT_EFFECT:
            if value != _WITHOUT_EFFECT[name]:
                raise MedCLIPSegError(
                    f"The setting {name} = {quoted(value)} is no longer part of the product; leave it out, or finish a "
                    "run begun with it with the version that began it."
                )
        elif name != _IGNORED:
            kept[name] = value
    return kept


def read_table(path: Path) -> dict[str, Any]:
    """The table at the root of a TOML or JSON file.

    Raises:
        MedCLIPSegError: it is missing, damaged, of another kind or holds no table.
    """
    try:
        text = read_text(path)
        data = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no file {path}.") from None
    except (ValueError, RecursionError) as error:
        raise MedCLIPSegError(f"The file {path} cannot be read as TOML or JSON: {quoted(error)}.") from None
    if not isinstance(data, dict):
        raise MedCLIPSegError(f"The file {path} holds no table of settings.")
    return data
