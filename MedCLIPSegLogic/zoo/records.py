"""What the user agreed to, and which files were seen: small JSON files in the folder of the models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..errors import MedCLIPSegError
from ..files.replacing import write_json
from ..model.manifest import HubFile, ZooEntry
from ..model.store import home, read_object
from ..version import __version__
from .installing import store_errors, store_lock

CONSENTS_FILE = "consents.json"
HASHES_FILE = "hashes.json"


def consent(license: str) -> str | None:
    """When the user accepted a license, in the words of the question, as ISO date and time; None if never."""
    return _noted(CONSENTS_FILE, license, "accepted")


def record_consent(entry: ZooEntry) -> None:
    """Note that the user accepted a model's license; the first time counts."""
    if consent(entry.file.license_text) is None:
        note = {"accepted": _now(), "model": entry.name, "medclipseg": __version__}
        _add(CONSENTS_FILE, entry.file.license_text, note)


def recorded_hash(file: HubFile) -> str | None:
    """SHA-256 a file had when it was first downloaded; None if it never was."""
    return _noted(HASHES_FILE, file.key, "sha256")


def record_hash(file: HubFile, sha256: str, revision: str | None) -> None:
    """Note the SHA-256 of a file at its first download.

    Args:
        file: on the hub.
        sha256: of what was received.
        revision: commit of the repository it came from.
    """
    _add(HASHES_FILE, file.key, {"sha256": sha256, "revision": revision, "recorded": _now()})


def _read(name: str) -> dict[str, Any]:
    try:
        return read_object(home(), name)
    except (FileNotFoundError, MedCLIPSegError):
        return {}


def _noted(name: str, key: str, field: str) -> str | None:
    entry = _read(name).get(key)
    return str(entry.get(field)) if isinstance(entry, dict) else None


def _add(name: str, key: str, note: dict[str, Any]) -> None:
    with store_errors(), store_lock():
        write_json(home() / name, {**_read(name), key: note})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
