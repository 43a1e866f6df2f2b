"""Models come into the models folder whole, leave it whole, and share their backbones."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from safetensors import SafetensorError

from ..errors import MedCLIPSegError, quoted
from ..files.moving import move_into_place
from ..files.replacing import replacing
from ..files.scratch import recover, scratch_folder
from ..files.staging import NEW_FOLDER
from ..model.catalog import OWN_BACKBONE_FILE, bundled_models, describe_model
from ..model.folder import file_hash, find_backbone, read_backbone_link, read_knowledge, save_backbone_link
from ..model.store import (
    HOME_VARIABLE,
    IMPORT_RECORD,
    NAME,
    backbone_file,
    home,
    installed_models,
    models_folder,
    read_object,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Backbone:
    """A shared backbone: SHA-256, bytes, and whether it was there before."""

    sha256: str
    size: int
    was_there: bool


@dataclass(frozen=True)
class Removal:
    """What was removed: bytes of the model's own files, and of backbones no model uses any more."""

    model_bytes: int
    backbone_bytes: int


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a full disk and missing rights into a sentence."""
    try:
        yield
    except (SafetensorError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MedCLIPSegError(
            f"The model cannot be stored in {home()}: {reason}; free some space there or choose another folder with "
            f"the environment variable {HOME_VARIABLE}."
        ) from None


@contextmanager
def store_lock() -> Iterator[None]:
    """Keep other processes from placing and removing models meanwhile."""
    home().mkdir(parents=True, exist_ok=True)
    with FileLock(home() / ".lock"):
        yield


@contextmanager
def new_model(name: str, replace: bool) -> Iterator[Path]:
    """A temporary folder that becomes the model's when the block ends without an exception.

    Args:
        name: the model's.
        replace: put it in the place of an installed model of this name.

    Raises:
        MedCLIPSegError: the name is taken or unusable, another process installs or removes a model of this name, or the
            folder cannot be written.
    """
    check_free(name, replace)
    with store_errors():
        models_folder().mkdir(parents=True, exist_ok=True)
        with _scratch(name) as scratch:
            staging = scratch / NEW_FOLDER
            staging.mkdir()
            yield staging
            with store_lock():
                check_free(name, replace)
                moves = [*_backbone_to_share(staging), (staging, models_folder() / name)]
                move_into_place(moves, [target for _, target in moves if target.exists()], scratch)


def check_free(name: str, replace: bool) -> None:
    """Refuse a name that cannot be given to a new model.

    Raises:
        MedCLIPSegError: it is a bundled model's, taken, or no name.
    """
    if not NAME.fullmatch(name):
        raise MedCLIPSegError(
            f"'{quoted(name)}' cannot name a model; use up to 64 letters, digits, hyphens, dots and underscores."
        )
    if name in bundled_models():
        raise MedCLIPSegError(f"'{name}' is the name of a bundled model; choose another one.")
    if (models_folder() / name).exists() and not replace:
        raise MedCLIPSegError(f"There is a model '{name}' already; remove it first or choose another name.")


def place_backbone(tensors: Mapping[str, Tensor], model: Path) -> Backbone:
    """Store towers in float32; with the model they get their place under the SHA-256 of their file, unless it is taken.

    The same weights always make the same file, so models made on one backbone share it.

    Args:
        tensors: weights of the towers.
        model: folder from :func:`new_model` that uses them; gets ``backbone.json``.
    """
    from ..model.checkpoint import save_weights

    save_weights(tensors, model / OWN_BACKBONE_FILE)
    return adopt_backbone(model)


def adopt_backbone(model: Path) -> Backbone:
    """As :func:`place_backbone`, of the file of weights that the folder holds already."""
    file = model / OWN_BACKBONE_FILE
    sha256, size = file_hash(file), file.stat().st_size
    with store_lock():
        save_backbone_link(sha256, model)  # so that nobody takes it for unused
        shared = backbone_file(sha256)
        was_there = shared.is_file() and not shared.is_symlink() and file_hash(shared) == sha256
        if was_there:
            file.unlink()
        elif shared.exists():  # damaged, and in the way of every model made on it
            file.replace(shared)
    return Backbone(sha256, size, was_there)


def _backbone_to_share(model: Path) -> list[tuple[Path, Path]]:
    """The move of a new model's backbone to the shared ones; none when it is there already, or it has none."""
    sha256, file = read_backbone_link(model), model / OWN_BACKBONE_FILE
    if sha256 is None or not file.is_file():
        return []
    backbone_file(sha256).parent.mkdir(parents=True, exist_ok=True)
    return [(file, backbone_file(sha256))]


def share_backbone(model: Path) -> None:
    """Put a model folder's own backbone among the shared ones, so that models made on it find it.

    Where the disk allows it is a second name of the same file and takes no space.
    """
    sha256 = read_backbone_link(model)
    if sha256 is None or backbone_file(sha256).is_file() or not (model / OWN_BACKBONE_FILE).is_file():
        return
    with store_errors(), store_lock():
        backbone_file(sha256).parent.mkdir(parents=True, exist_ok=True)
        with replacing(backbone_file(sha256)) as temporary:
            temporary.unlink(missing_ok=True)
            try:
                os.link(model / OWN_BACKBONE_FILE, temporary)
            except OSError:  # another disk, or one without such links
                shutil.copyfile(model / OWN_BACKBONE_FILE, temporary)


def remove(name: str, keep_backbone: bool = False) -> Removal:
    """Remove an installed model, and its backbone when no other installed model uses it.

    Raises:
        MedCLIPSegError: no such model is installed.
    """
    if name in bundled_models():
        raise MedCLIPSegError(f"'{name}' comes with the program and cannot be removed.")
    if name not in installed_models():
        raise MedCLIPSegError(f"There is no installed model '{quoted(name)}'; medclipseg models list shows them.")
    with store_errors(), store_lock(), _scratch(name) as scratch:
        model = models_folder() / name
        backbones = [] if keep_backbone else _unused_backbones(besides=name)
        removal = Removal(_bytes_in(model), sum(path.lstat().st_size for path in backbones))
        move_into_place([], [model, *backbones], scratch)
    return removal


def verify_folder(name: str, folder: Path) -> str:
    """Check a model's files against their recorded SHA-256, and that it loads.

    Args:
        name: for messages.
        folder: its folder.

    Returns:
        Its tower family; "sam" for a SAM.

    Raises:
        MedCLIPSegError: the first file that is missing, damaged, changed or does not fit.
    """
    for file, sha256 in _recorded(folder).items():
        if not (folder / file).is_file() or file_hash(folder / file) != sha256:
            raise MedCLIPSegError(
                f"The file {folder / quoted(file)} of '{name}' is missing or was changed; install it again."
            )
    backbone = read_backbone_link(folder)
    if backbone is not None:
        path = find_backbone(folder, backbone)
        if path is not None and file_hash(path) != backbone:
            raise MedCLIPSegError(f"The backbone {path} is damaged; remove '{name}' and install it again.")
    from ..model.checkpoint import load_to_train
    from ..model.sam_checkpoint import load_sam
    from ..model.tokenizer import PromptTokenizer

    if describe_model(folder).kind == "sam":
        load_sam(folder)
        return "sam"
    config = load_to_train(folder).config
    PromptTokenizer(config, folder)
    read_knowledge(folder)
    return config.flavor


def _recorded(folder: Path) -> dict[str, str]:
    try:
        files = read_object(folder, IMPORT_RECORD)["files"]
        return {name: str(sha256) for name, sha256 in files.items() if Path(name).name == name}
    except FileNotFoundError:
        return {}
    except (KeyError, TypeError, AttributeError):
        raise MedCLIPSegError(f"The record {folder / IMPORT_RECORD} is damaged; install the model again.") from None


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """A scratch folder for a model: beside models and backbones, so that both can be moved from and to it."""
    recover(home() / "backbones")
    with ExitStack() as stack:
        try:
            scratch = stack.enter_context(scratch_folder(home() / name))
        except TimeoutError:
            raise MedCLIPSegError(
                f"Another process is installing or removing '{name}'; wait until it has ended."
            ) from None
        yield scratch


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.iterdir())


def _unused_backbones(besides: str) -> list[Path]:
    """Shared backbones that neither an installed model nor one that is being made uses, but for the one named."""
    models = [models_folder() / name for name in installed_models() if name != besides]
    used = {_link(model) for model in (*models, *home().glob(f".*.part/{NEW_FOLDER}"))}
    return [path for path in (home() / "backbones").glob("*.safetensors") if path.stem not in used]


def _link(folder: Path) -> str | None:
    try:
        return read_backbone_link(folder)
    except (MedCLIPSegError, OSError):
        return None
