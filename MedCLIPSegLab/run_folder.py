"""Folders in which a long run is begun, interrupted and gone on with: one JSON record tells what was begun there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.json_reading import parse_json, read_json
from MedCLIPSegLogic.files.moving import move_into_place
from MedCLIPSegLogic.files.replacing import json_text, write_json
from MedCLIPSegLogic.files.scratch import recover, scratch_folder
from MedCLIPSegLogic.files.staging import NEW_FOLDER, made_folder

CLAIM = "run"
"""Of the scratch folder in the folder of a run."""


@dataclass(frozen=True)
class RunKind:
    """Runs of one command.

    Args:
        name: what messages call such a run, e.g. "training".
        record_file: in the folder of a run; written at its beginning and again at its end.
        parts: names of the objects a record must hold.
    """

    name: str
    record_file: str
    parts: tuple[str, ...] = ()

    @contextmanager
    def claimed(self, folder: Path) -> Iterator[Path]:
        """Keep other processes out of a folder, which is made when missing and goes again if nothing is put into it.

        Yields:
            A scratch folder in it.

        Raises:
            MedCLIPSegError: another process is at work there.
            OSError: the folder cannot be made.
        """
        if folder.exists() and not folder.is_dir():
            raise MedCLIPSegError(f"{folder} is a file; give a folder for the {self.name}.")
        with ExitStack() as stack:
            stack.enter_context(made_folder(folder))
            try:
                scratch = stack.enter_context(scratch_folder(folder / CLAIM))
            except TimeoutError:
                raise MedCLIPSegError(
                    f"Another process is at work in the folder {folder}; wait until it has ended or choose another one."
                ) from None
            recover(folder)
            yield scratch

    @contextmanager
    def begun_whole(self, folder: Path, scratch: Path) -> Iterator[Path]:
        """A temporary folder whose files, those a run begins with, move into its folder together when the block ends.

        Args:
            folder: of the run.
            scratch: from :meth:`claimed`.
        """
        staging = scratch / NEW_FOLDER
        staging.mkdir()
        yield staging
        files = sorted(staging.iterdir(), key=lambda path: path.name == self.record_file)
        move_into_place([(path, folder / path.name) for path in files], [], scratch)

    def is_begun(self, folder: Path) -> bool:
        """True if a run was begun in a folder; one that was killed as it began is whole then, or not begun."""
        recover(folder)
        return (folder / self.record_file).is_file()

    def is_finished(self, folder: Path) -> bool:
        """True if a folder holds a run that came to its end."""
        return self.is_begun(folder) and bool(self.read(folder).get("finished"))

    def read(self, folder: Path) -> dict[str, Any]:
        """The record of a run.

        Raises:
            MedCLIPSegError: it is missing or damaged.
        """
        path = folder / self.record_file
        recover(folder)
        try:
            record = read_json(path)
        except FileNotFoundError:
            raise MedCLIPSegError(
                f"There is no interrupted {self.name} in {folder}: it has no {self.record_file}."
            ) from None
        if not isinstance(record, dict) or not all(isinstance(record.get(part), dict) for part in self.parts):
            raise MedCLIPSegError(f"The record {path} of the {self.name} cannot be read: it is incomplete.")
        return record

    def write(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Write the record of a run.

        Raises:
            OSError: it cannot be written; the earlier one is still there.
        """
        write_json(folder / self.record_file, record)

    def require_new(self, folder: Path) -> None:
        """Refuse a folder that holds something.

        Raises:
            MedCLIPSegError: with the way out.
        """
        if _is_used(folder):
            raise MedCLIPSegError(f"The folder {folder} is not empty; resume its {self.name} or choose another folder.")

    def require_same(
        self, folder: Path, begun: Mapping[str, Any], wanted: Mapping[str, Any], may_change: Collection[str] = ()
    ) -> None:
        """Refuse to go on with a run that was begun otherwise.

        Args:
            folder: of the run.
            begun: settings and fingerprints of its data, of which the record told.
            wanted: those of now.
            may_change: names that need not be as they were.

        Raises:
            MedCLIPSegError: naming the first difference.
        """
        for name in sorted(wanted.keys() - set(may_change)):
            if begun.get(name) != wanted[name]:
                difference = _difference(name, begun.get(name), wanted[name])
                raise MedCLIPSegError(
                    f"The {self.name} in {folder} was begun with {difference} or choose another folder."
                )

    def begin(self, folder: Path, wanted: Mapping[str, Any], may_change: Collection[str]) -> dict[str, Any]:
        """Begin a run in a folder, or go on with the one that was begun there.

        Args:
            folder: of the run.
            wanted: what defines the run: settings and fingerprints of its data.
            may_change: names in ``wanted`` that need not be as they were.

        Returns:
            The record: ``wanted`` as JSON holds it, and what an earlier call wrote.

        Raises:
            MedCLIPSegError: another run was begun there, its record is damaged, or the folder holds something else.
        """
        plain: dict[str, Any] = parse_json(json_text(wanted), self.record_file)
        if not self.is_begun(folder):
            if _is_used(folder):
                raise MedCLIPSegError(f"{folder} is in use by something else; choose another folder.")
            folder.mkdir(parents=True, exist_ok=True)
            self.write(folder, plain)
            return plain
        record = self.read(folder)
        self.require_same(folder, record, plain, may_change)
        return {**record, **plain}


def _is_used(folder: Path) -> bool:
    if folder.is_dir():
        recover(folder)
        return any(path.name != f".{CLAIM}.part" for path in folder.iterdir())
    return folder.exists()


def _difference(name: str, before: Any, now: Any) -> str:
    """What is not as it was, and what to give instead."""
    if isinstance(before, Mapping) and isinstance(now, Mapping) and before.keys() != now.keys():
        changed = sorted(before.keys() ^ now.keys())
    elif isinstance(before, Mapping) and isinstance(now, Mapping):
        changed = sorted(key for key in now if before[key] != now[key])
    else:
        return f"{name.replace('_', ' ')} {before}, not {now}; give the same options"
    return f"other {name.replace('_', ' ')} (such as {changed[0]}); give the same ones"
