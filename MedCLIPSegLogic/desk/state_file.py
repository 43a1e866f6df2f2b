"""The file in which everybody who reviews a folder keeps the states, without losing those of others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError, quoted
from ..files.json_reading import read_json
from ..files.replacing import json_text, replacing, write_failures_in_words
from .standing import Standing, standing_from

DESK_FOLDER = "medclipseg-review"
"""In the folder of the cases."""
STATES_FILE = "states.json"
VERSION = 1

Standings = dict[str, Standing]
"""By prompt."""


class StateFile:
    """States of the cases of a folder.

    Args:
        folder: of the cases; the file lies in ``medclipseg-review`` there.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / DESK_FOLDER / STATES_FILE

    @property
    def modified(self) -> int:
        """Differs when the file was written since; 0 without one."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    def read(self) -> dict[str, Standings]:
        """Standings by case.

        Raises:
            MedCLIPSegError: the file is damaged or of a later version.
        """
        try:
            data = read_json(self.path)
        except FileNotFoundError:
            return {}
        if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("cases"), dict):
            raise MedCLIPSegError(
                f"{self.path} holds no states of review that this version understands; move it away or update."
            )
        return {case: self._standings(case, entry) for case, entry in data["cases"].items()}

    def add(self, case: str, standings: Mapping[str, Standing]) -> dict[str, Standings]:
        """Merge what is known of a case into the file, which is replaced whole; nobody else writes meanwhile.

        Args:
            case: name of the case.
            standings: by prompt; prompts that are left out stay as they are.

        Returns:
            What the file holds now.

        Raises:
            MedCLIPSegError: the file cannot be written, or is damaged; it is left as it was.
        """
        with write_failures_in_words():
            self.path.parent.mkdir(exist_ok=True)
            with replacing(self.path) as temporary:
                cases = self.read()
                known = cases.setdefault(case, {})
                for prompt, standing in standings.items():
                    known[prompt] = known.get(prompt, Standing()).merged(standing)
                text = json_text({"version": VERSION, "cases": _plain(cases)})
                temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
        return cases

    def _standings(self, case: str, entry: Any) -> Standings:
        found = [(prompt, standing_from(each)) for prompt, each in entry.items()] if isinstance(entry, dict) else None
        known = {prompt: standing for prompt, standing in found or () if standing is not None}
        if found is None or len(known) < len(found):
            raise MedCLIPSegError(f"{self.path} is damaged at the case “{quoted(case)}”; mend it or move it away.")
        return known


def _plain(cases: Mapping[str, Standings]) -> dict[str, Any]:
    return {case: {prompt: each.record() for prompt, each in cases[case].items()} for case in sorted(cases)}
