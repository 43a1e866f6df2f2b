"""What is asked of a tuning, read and checked without loading torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError

from ..run_folder import RunKind
from ..training.request import STATE_FILE
from .pairs import Pair, PairTable, read_pairs, split_pairs
from .settings import TuningSettings

TUNING_RUN = RunKind("tuning", "tuning.json", ("settings", "retrieval", "data"))


@dataclass(frozen=True)
class TuningPairs:
    """Pairs by what they are for, and the tables they come from by role."""

    training: list[Pair]
    validation: list[Pair]
    test: list[Pair]
    tables: dict[str, PairTable]

    def record(self) -> dict[str, Any]:
        """What is known of them, ready for JSON."""
        return {
            "tables": {
                role: {"file": t.path.name, "sha256": t.sha256, "pairs": len(t.pairs), "dropped": t.dropped}
                for role, t in self.tables.items()
            },
            "training": len(self.training),
            "validation": len(self.validation),
            "test": len(self.test),
        }


def tuning_settings(resumed: Path | None, changes: Mapping[str, Any] | None = None) -> TuningSettings:
    """The published settings, or those of the run that is resumed, with some replaced.

    Args:
        resumed: folder of the run to resume; None for a new run.
        changes: fields of the settings.

    Raises:
        MedCLIPSegError: there is no readable record, or a setting is out of range.
    """
    begun = {} if resumed is None else TUNING_RUN.read(resumed)["settings"]
    return TuningSettings().changed(begun).changed(changes or {})


def check_request(folder: Path, start_from: str | Path | None, resume: bool) -> None:
    """Refuse a tuning that cannot begin.

    Raises:
        MedCLIPSegError: ``folder`` is in use, or there is nothing to resume.
    """
    if resume and not (folder / STATE_FILE).is_file():
        raise MedCLIPSegError(f"There is no interrupted tuning in {folder}: it has no {STATE_FILE}.")
    if resume and start_from is not None:
        raise MedCLIPSegError("A resumed tuning goes on from its own weights; leave out --start-from.")
    if not resume:
        TUNING_RUN.require_new(folder)


def read_tables(tables: Mapping[str, str | Path | None], images: Path | None, settings: TuningSettings) -> TuningPairs:
    """Read what is tuned on.

    Args:
        tables: "pairs", "validation" and "test"; None for those that are not given.
        images: folder the file names start from; None for that of each table.
        settings: of the tuning.

    Raises:
        MedCLIPSegError: a table cannot be used, has too few pairs, or has images of another.
    """
    read = {
        role: read_pairs(Path(path), images, settings.min_caption) for role, path in tables.items() if path is not None
    }
    training = list(read["pairs"].pairs)
    if "validation" in read:
        validation = list(read["validation"].pairs)
    else:
        training, validation = split_pairs(training, settings.validation_share, settings.seed)
    test = list(read["test"].pairs) if "test" in read else []
    _check_apart({"tune on": training, "validate on": validation, "test on": test})
    if len(training) < 2:
        raise MedCLIPSegError(f"The table {read['pairs'].path} has fewer than 2 pairs to tune on.")
    return TuningPairs(training, validation, test, read)


def _check_apart(parts: Mapping[str, Sequence[Pair]]) -> None:
    """Refuse an image with two uses: what was tuned on says nothing, and what chose the epoch too much."""
    uses: dict[Path, str] = {}
    for use, pairs in parts.items():
        for pair in pairs:
            other = uses.setdefault(pair.image.resolve(), use)
            if other != use:
                raise MedCLIPSegError(
                    f"{pair.place} has an image to {use} that is also one to {other}, {pair.image}; take it out of one "
                    "of the tables."
                )
