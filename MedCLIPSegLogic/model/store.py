"""The one folder where downloaded and imported models lie, and what may lie in it. Nothing here imports torch.

::

    ~/.medclipseg/                      or the folder in MEDCLIPSEG_HOME
      models/<name>/                    config.json, adapter.safetensors, backbone.json, vocabulary, model.json
      backbones/<sha-256>.safetensors   towers, shared by every model made on them
      downloads/                        interrupted downloads
      consents.json, hashes.json        licenses accepted; SHA-256 of files seen
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError, quoted
from ..files.json_reading import parse_json
from ..files.scratch import recover

HOME_VARIABLE = "MEDCLIPSEG_HOME"
MAX_TEXT_BYTES = 16 * 2**20
"""More than any configuration, card or vocabulary has."""
MAX_WEIGHTS_BYTES = 4 * 2**30
"""More than any checkpoint of these flavors has, optimizer included."""
IMPORT_RECORD = "import.json"
"""Where an installed model came from, and when."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]|[A-Za-z0-9]")
SHA256 = re.compile(r"[0-9a-f]{64}")


def home() -> Path:
    """The folder that holds everything; the same on every system, so that it is found and deleted easily.

    Raises:
        MedCLIPSegError: it would lie in the home folder of a user whom the system does not know.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    try:
        return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".medclipseg"
    except RuntimeError:
        raise MedCLIPSegError(
            f"There is no home folder '{quoted(chosen or '~')}'; set {HOME_VARIABLE} to a folder for the models."
        ) from None


def models_folder() -> Path:
    """Folder of the model folders."""
    return home() / "models"


def backbone_file(sha256: str) -> Path:
    """Where the backbone with this SHA-256 lies or would lie.

    Raises:
        MedCLIPSegError: not a SHA-256, for example a path.
    """
    if not SHA256.fullmatch(sha256):
        raise MedCLIPSegError(f"The backbone '{quoted(sha256)}' is not named by a SHA-256 of 64 hexadecimal digits.")
    return home() / "backbones" / f"{sha256}.safetensors"


def installed_models() -> list[str]:
    """Names of the models in the folder; what a killed import or removal left half done is done before."""
    folder = models_folder()
    with suppress(MedCLIPSegError):  # a model that cannot be put in its place is not there
        recover(home())
    try:
        return sorted(p.name for p in folder.iterdir() if NAME.fullmatch(p.name) and is_model_folder(p))
    except OSError:
        return []


def is_model_folder(folder: Path) -> bool:
    """A folder of its own, no link to another, with a configuration."""
    return folder.is_dir() and not folder.is_symlink() and (folder / "config.json").is_file()


def own_file(folder: Path, name: str, max_bytes: int) -> Path:
    """A file that lies in its folder and is of sensible size.

    Args:
        folder: model folder.
        name: file name.
        max_bytes: largest size.

    Raises:
        FileNotFoundError: there is none.
        MedCLIPSegError: a link that leads out of the folder, no regular file, or too large.
    """
    path = folder / name
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        raise MedCLIPSegError(f"{path} is a symbolic link that leads out of its folder; put the file itself there.")
    size = path.stat().st_size
    if not path.is_file():
        raise MedCLIPSegError(f"{path} is not a regular file.")
    if size > max_bytes:
        raise MedCLIPSegError(f"{path} has {size / 1e6:,.0f} MB, more than the {max_bytes / 1e6:,.0f} MB it may have.")
    return path


def read_text(folder: Path, name: str) -> str:
    """Text of a small file of a model folder.

    Raises:
        FileNotFoundError: there is none.
        MedCLIPSegError: it cannot be read, leads elsewhere, or is too large.
    """
    path = own_file(folder, name, MAX_TEXT_BYTES)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MedCLIPSegError(f"{path} cannot be read: {error}.") from None


def read_object(folder: Path, name: str) -> dict[str, Any]:
    """What a small JSON file of a model folder holds.

    Raises:
        FileNotFoundError: there is none.
        MedCLIPSegError: it cannot be read, leads elsewhere, is too large, or holds no JSON object.
    """
    data = parse_json(read_text(folder, name), folder / name)
    if not isinstance(data, dict):
        raise MedCLIPSegError(f"{folder / name} must hold an object.")
    return data


def check_is_readable(path: Path) -> None:
    """Refuse what is no file or larger than any checkpoint.

    Raises:
        MedCLIPSegError: with the size or what is wrong.
    """
    if not path.exists():
        raise MedCLIPSegError(f"There is no file {path}.")
    if not path.is_file():
        raise MedCLIPSegError(f"{path} is not a regular file.")
    size = path.stat().st_size
    if size > MAX_WEIGHTS_BYTES:
        raise MedCLIPSegError(
            f"{path.name} has {size / 1e9:.1f} GB; a checkpoint of this kind has at most {MAX_WEIGHTS_BYTES / 1e9:.1f}."
        )
