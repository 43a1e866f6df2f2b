"""The record of a run, by which a later call knows what was begun in the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_text

RECORD_FILE = "weak.json"


def begin(folder: Path, wanted: Mapping[str, Any], may_change: set[str]) -> dict[str, Any]:
    """Begin a run in a folder, or go on with the one that was begun there.

    Args:
        folder: of the run.
        wanted: what defines the run, ready for JSON: texts, numbers and mappings of them.
        may_change: names in ``wanted`` that need not be as they were.

    Returns:
        The record: ``wanted``, and what an earlier call wrote.

    Raises:
        MedCLIPSegError: another run was begun there, its record is damaged, or the folder holds something else.
    """
    plain = json.loads(json.dumps(wanted))
    path = folder / RECORD_FILE
    if not path.is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise MedCLIPSegError(f"{folder} is in use by something else; choose another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        save_record(folder, plain)
        return plain
    try:
        record = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise MedCLIPSegError(f"The record {path} cannot be read ({error}); choose another folder.") from None
    for name, value in plain.items():
        if name not in may_change and record.get(name) != value:
            raise MedCLIPSegError(f"The run in {folder} was begun with {_difference(name, record.get(name), value)}.")
    return {**record, **plain}


def save_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record.

    Raises:
        OSError: it cannot be written.
    """
    write_text(folder / RECORD_FILE, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def _difference(name: str, before: Any, now: Any) -> str:
    """The rest of the sentence that tells what is not as it was."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        return f"other {name} (such as {changed[0]}); give the same ones or choose another folder"
    return f"{name.replace('_', ' ')} {before}, not {now}; give the same options or choose another folder"
