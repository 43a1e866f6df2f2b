"""The cases of a folder: images, and results of ``medclipseg segment``."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError
from ..files.json_reading import read_json
from ..files.slugs import slugs
from ..files.staging import RECORD_FILE
from ..volumes.readers import READERS
from .standing import Standing, standing_from
from .state_file import DESK_FOLDER, Standings

SCENE_FILE = "scene.mrb"
SCENE_ENDING = ".mrb"


@dataclass(frozen=True)
class Case:
    """One image with what is known of it.

    Args:
        key: names the case in the state file.
        label: for people.
        source: image file, scene, or whatever else the case is opened from.
        standings: by prompt, as the run left them.
    """

    key: str
    label: str
    source: str
    standings: Standings = field(default_factory=dict)


def cases_of(folder: Path) -> list[Case]:
    """Cases of a folder by name: folders in it with a scene and ``run.json``, and image files; or the result it is.

    Raises:
        MedCLIPSegError: the folder cannot be read.
    """
    if _is_result(folder):
        return [_result(folder)]
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name.lower())
    except OSError as error:
        raise MedCLIPSegError(f"The folder {folder} cannot be read: {error.strerror or error}.") from error
    cases = []
    for path in entries:
        if path.is_dir() and _is_result(path):
            cases.append(_result(path))
        elif path.is_file() and _is_image(path.name.lower()):
            cases.append(Case(path.name, path.name, str(path)))
    return cases


def kept_scene(folder: Path, key: str) -> Path | None:
    """The latest scene that anybody kept of a case; None when nobody did."""
    found = (path for path in (folder / DESK_FOLDER).glob(f"{_stem(key)}.*{SCENE_ENDING}") if path.is_file())
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def scene_to_keep(folder: Path, key: str, reviewer: str) -> Path:
    """Where a person keeps the scene of a case; nobody else writes there."""
    return folder / DESK_FOLDER / f"{_stem(key)}.{_stem(reviewer)}{SCENE_ENDING}"


def _stem(name: str) -> str:
    """Part of a file name that no other name shares."""
    return f"{slugs([name])[0]}-{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def _is_image(name: str) -> bool:
    return name.endswith(tuple(READERS)) and not name.endswith((".seg.nrrd", ".seg.nhdr"))


def _is_result(folder: Path) -> bool:
    return (folder / RECORD_FILE).is_file() and (folder / SCENE_FILE).is_file()


def _result(folder: Path) -> Case:
    return Case(folder.name, folder.name, str(folder / SCENE_FILE), _recorded(folder / RECORD_FILE))


def _recorded(path: Path) -> Standings:
    """What a run said of its answers; a damaged record says nothing."""
    try:
        record: Any = read_json(path)
        results = record["results"]
        found = {str(result["prompt"]): standing_from({**result, "mask": "", "reviews": []}) for result in results}
    except (MedCLIPSegError, OSError, KeyError, TypeError):
        return {}
    return {prompt: standing or Standing() for prompt, standing in found.items()}
