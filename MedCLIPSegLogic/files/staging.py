"""Output that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import MedCLIPSegError
from ..named_files import unicode_name
from .json_reading import read_json
from .moving import move_into_place
from .scratch import recover, scratch_folder

RECORD_FILE = "run.json"
NEW_FOLDER = "new"
"""In a scratch folder: what becomes the result."""
SCRATCH_NAME = "results"
"""Of the scratch folder inside a folder that is there."""


@contextmanager
def staged_folder(out: Path, overwrite: bool, record: str = RECORD_FILE) -> Iterator[Path]:
    """A temporary folder whose files move into ``out`` when the block ends without an exception.

    Killed while they move, they are moved by the next command that looks into ``out``.

    Args:
        out: result folder; made when missing, other files in it are left alone.
        overwrite: replace the results of an earlier run, which its record lists.
        record: JSON file among the results with a list of all of them under "files".

    Raises:
        MedCLIPSegError: ``out`` holds results and ``overwrite`` is False, another process is writing to it, or it
            cannot be written.
    """
    check_free(out, overwrite, record)
    with ExitStack() as stack:
        try:
            # Inside an existing folder, which may be a mount point or the only place that can be written.
            place = out / SCRATCH_NAME if out.is_dir() else out
            stack.enter_context(made_folder(place.parent))
            scratch = stack.enter_context(scratch_folder(place))
            staging = scratch / NEW_FOLDER
            staging.mkdir()
        except TimeoutError:
            raise MedCLIPSegError(
                f"Another run is writing to the folder {out}; wait until it has ended or choose another folder."
            ) from None
        except OSError as error:
            raise MedCLIPSegError(f"The folder {out} cannot be written: {error.strerror}.") from None
        earlier = check_free(out, overwrite, record)
        try:
            yield staging
            _move(scratch, out, earlier, record)
        except OSError as error:
            raise MedCLIPSegError(f"The results cannot be written to {out}: {error.strerror or error}.") from None


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder with its parents; what of them is empty at the end goes again.

    Raises:
        OSError: it cannot be made.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):
            for path in made:
                path.rmdir()


def check_free(out: Path, overwrite: bool, record: str = RECORD_FILE) -> list[Path]:
    """Files of an earlier run that may be replaced, the record last; what a killed run left is put right before.

    Raises:
        MedCLIPSegError: there are such files and ``overwrite`` is False, or ``out`` is a file or not named in Unicode.
    """
    unicode_name(out.absolute())
    if out.exists() and not out.is_dir():
        raise MedCLIPSegError(f"{out} is a file; give a folder for the results.")
    recover(out.parent)
    recover(out)
    if not (out / record).is_file():
        return []
    if not overwrite:
        raise MedCLIPSegError(f"The folder {out} already holds results; use --overwrite or another folder.")
    try:
        names = [str(name) for name in read_json(out / record)["files"]]
    except (MedCLIPSegError, OSError, KeyError, TypeError):
        names = []
    # A name that leads elsewhere was not written by us.
    ours = [out / name for name in names if Path(name).name == name and name != record]
    return [path for path in ours if path.is_file()] + [out / record]


def _move(scratch: Path, out: Path, earlier: list[Path], record: str) -> None:
    staging = scratch / NEW_FOLDER
    if not out.exists():
        move_into_place([(staging, out)], [], scratch)
        return
    fresh = sorted(staging.iterdir(), key=lambda path: path.name == record)
    taken = [path.name for path in fresh if (out / path.name).exists() and (out / path.name) not in earlier]
    if taken:
        raise MedCLIPSegError(f"The folder {out} already has a file named {taken[0]}; choose another folder.")
    move_into_place([(path, out / path.name) for path in fresh], earlier, scratch)
