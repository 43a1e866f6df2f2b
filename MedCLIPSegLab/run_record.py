"""The record of a run: one JSON file in its folder, written at the start and again at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_text


def read_run_record(path: Path, run: str, parts: Sequence[str]) -> dict[str, Any]:
    """The record of a run.

    Args:
        path: of the record.
        run: what messages call the run: "training", "tuning".
        parts: names of the objects it must hold.

    Raises:
        MedCLIPSegError: it is missing or damaged.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(record[part], dict) for part in parts):
            return record
        reason = "it is incomplete"
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no interrupted {run} in {path.parent}: it has no {path.name}.") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = str(error)
    raise MedCLIPSegError(f"The record {path} of the {run} cannot be read: {reason}.")


def write_run_record(path: Path, record: dict[str, Any]) -> None:
    """Write the record of a run, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write_text(path, json.dumps(record, indent=2) + "\n")
