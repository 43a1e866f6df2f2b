"""Models to list, download, import, export, check and remove: what ``medclipseg models`` does."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock, Timeout

from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.replacing import replacing
from MedCLIPSegLogic.model.catalog import (
    ModelDescription,
    bundled_models,
    describe_model,
    find_model,
    known_models,
)
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.model.manifest import ZooEntry, consent_text, published_mean_dice, size_text, zoo
from MedCLIPSegLogic.model.store import check_is_readable, installed_models
from MedCLIPSegLogic.zoo import download as downloading
from MedCLIPSegLogic.zoo import installing
from MedCLIPSegLogic.zoo.download import DownloadReport, download_folder
from MedCLIPSegLogic.zoo.hub import DownloadProgress, ask_size
from MedCLIPSegLogic.zoo.installing import Removal
from MedCLIPSegLogic.zoo.records import consent

from .knowledge_info import knowledge_info

if TYPE_CHECKING:
    from MedCLIPSegLogic.zoo.importing import ImportReport

T = TypeVar("T")
LAYOUTS = (".pth", ".zip")
NOT_BY_ITSELF = "not published for this set by itself"
NO_COMMERCIAL_USE = "not allowed by any stated license; biomedclip (MIT) is the choice for it"


@dataclass(frozen=True)
class ModelRow:
    """A model in the list: "bundled", "installed" or "published" (to be downloaded), or "incomplete"."""

    state: str
    description: ModelDescription


def list_models() -> list[ModelRow]:
    """All bundled, installed and published models."""
    rows = []
    for name in known_models():
        description = describe_model(name)
        if name in bundled_models():
            state = "bundled"
        elif name in installed_models():
            state = "installed" if description.on_disk else "incomplete"
        else:
            state = "published"
        rows.append(ModelRow(state, description))
    return rows


def model_info(name: str | Path) -> dict[str, str]:
    """What is known of a model, as texts by label.

    Args:
        name: of a bundled, installed or published model, or a model folder.

    Raises:
        MedCLIPSegError: there is no such model, or the record of what it knows is damaged.
    """
    published = zoo().get(str(name))
    if published is None:
        find_model(name)  # or an error
    model = describe_model(name)
    license = model.license_text
    accepted = consent(license)
    info = {
        "name": model.name,
        "title": model.title,
        "purpose": model.purpose or "not stated",
        "license": f"{license}, accepted on {accepted}" if accepted else license,
        "on this computer": f"{model.size_bytes / 1e6:.1f} MB in {model.folder}" if model.on_disk else "no",
    }
    info |= _published_info(published) if published is not None else {}
    return info | (knowledge_info(model.folder) if model.on_disk and model.kind == "model" else {})


def _published_info(entry: ZooEntry) -> dict[str, str]:
    size, known = entry.download_size()
    info = {
        "kind": entry.kind,
        "flavor": entry.flavor,
        "task": entry.task,
        "modality": entry.modality,
        "source": entry.file.key,
        "download": size_text(size) if known else f"at least {size_text(size)}; the hub is asked before the download",
        "SHA-256": entry.file.sha256 or "not published; recorded at the first download",
        "commercial use": "allowed" if entry.commercial_use else NO_COMMERCIAL_USE,
        "citation": entry.citation,
    }
    if entry.training_share is not None:
        info["training set"] = f"{entry.training_set}, {entry.training_share} % of it"
        own = f"{entry.published_dice:.2f} %" if entry.published_dice is not None else NOT_BY_ITSELF
        mean = published_mean_dice()[entry.training_share]
        info["published Dice"] = f"{own}; mean of the six sets at this share {mean:.2f} %"
    return info


def _published(name: str) -> ZooEntry:
    entry = zoo().get(name)
    if entry is None:
        raise MedCLIPSegError(f"There is no published model '{quoted(name)}'; medclipseg models list shows them.")
    return entry


def is_downloaded(name: str) -> bool:
    """True when a published model is on this computer already.

    Raises:
        MedCLIPSegError: the list has none of this name.
    """
    return describe_model(_published(name).name).on_disk


def download_question(name: str) -> str:
    """Size, source and license of a published model, to be agreed to; asks the hub for the size.

    Raises:
        MedCLIPSegError: the list has none of this name.
    """
    entry = _published(name)
    return consent_text(entry, _finished(ask_size(entry.file)))


def download_model(
    name: str,
    agreed: bool,
    half: bool = False,
    progress: Callable[[DownloadProgress], None] | None = None,
) -> DownloadReport:
    """Download a published model.

    Args:
        name: of the list.
        agreed: a person has said yes to what :func:`download_question` asks.
        half: store the adapter in float16, half the size and rounded.
        progress: called some times a second.

    Raises:
        MedCLIPSegError: unknown model, nobody agreed, no network, wrong content, or no space.
    """
    return _finished(downloading.download(_published(name), agreed, half), progress)


def _finished(
    steps: Generator[DownloadProgress, None, T], progress: Callable[[DownloadProgress], None] | None = None
) -> T:
    """Work steps off; what they return."""
    try:
        while True:
            step = next(steps)
            if progress:
                progress(step)
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


def import_model(
    file: str | Path,
    name: str,
    vocabulary: str | Path | None = None,
    half: bool = False,
    replace: bool = False,
) -> ImportReport:
    """Install a published checkpoint (``.pth``, ``.pt``, ``.bin``, ``.safetensors``) or an exported ``.zip``.

    Args:
        file: the file.
        name: of the model.
        vocabulary: ``vocab.txt`` of a BERT text tower, where it is neither beside the file nor with another model.
        half: store the adapter in float16, half the size and rounded.
        replace: take the place of an installed model of this name.

    Raises:
        MedCLIPSegError: see `importing.import_file`.
    """
    installing.check_free(name, replace)
    check_is_readable(Path(file))
    from MedCLIPSegLogic.zoo.importing import import_file

    return import_file(Path(file), name, Path(vocabulary) if vocabulary else None, half, replace)


def export_model(name: str | Path, file: str | Path, overwrite: bool = False) -> Path:
    """Write a model to one file.

    ``.pth`` is the published layout: a dict with the state dict in float32 under ``model``, equal bit for bit to the
    checkpoint a model in float32 was imported from. ``.zip`` holds the model folder with its backbone.

    Args:
        name: of a bundled or installed model, or a model folder.
        file: to write; its ending chooses the layout.
        overwrite: replace an existing file.

    Raises:
        MedCLIPSegError: no such model, other ending, existing file, no published layout, or a place that cannot be
            written.
    """
    folder, file = find_model(name), Path(file)
    if file.suffix not in LAYOUTS:
        raise MedCLIPSegError(
            f"{quoted(file.name)} should end in .pth (published layout) or .zip (model with all its files)."
        )
    if file.exists() and not overwrite:
        raise MedCLIPSegError(f"The file {quoted(file)} exists already; use --overwrite or another name.")
    if not file.absolute().parent.is_dir():
        raise MedCLIPSegError(f"There is no folder {quoted(file.absolute().parent)}.")
    if describe_model(folder).kind != "sam":
        read_config(folder)
    try:
        if file.suffix == ".zip":
            from MedCLIPSegLogic.zoo.archive import pack

            pack(folder, file)
        else:
            _save_published(folder, file)
    except OSError as error:
        raise MedCLIPSegError(f"{quoted(file)} cannot be written: {error.strerror or error}.") from None
    return file


def _save_published(folder: Path, file: Path) -> None:
    flavor = read_config(folder).flavor
    if flavor not in FLAVORS:
        raise MedCLIPSegError(
            f"A model of the flavor '{quoted(flavor)}' has no published layout; export it as a .zip file."
        )
    import torch

    from MedCLIPSegLogic.model.checkpoint import read_state

    state = read_state(folder)
    try:
        with replacing(file) as temporary:
            torch.save({"model": state}, temporary)
    except RuntimeError as error:  # how torch reports a full disk
        raise MedCLIPSegError(f"{quoted(file)} cannot be written: {quoted(error)}.") from None


def remove_model(name: str, keep_backbone: bool = False) -> Removal:
    """Remove an installed model, or what an interrupted download left.

    Args:
        name: of the model.
        keep_backbone: keep its backbone even if no other installed model uses it.

    Raises:
        MedCLIPSegError: there is nothing to remove, or the model is being downloaded.
    """
    if name in zoo() and name not in installed_models() and download_folder(name).is_dir():
        try:
            with FileLock(download_folder(name).with_name(f"{name}.lock"), timeout=0):
                return Removal(downloading.forget(name), 0)
        except Timeout:
            raise MedCLIPSegError(f"'{quoted(name)}' is being downloaded; cancel that first.") from None
    return installing.remove(name, keep_backbone)


def verify_model(name: str | Path) -> None:
    """Check the files of a model, its backbone included, and that it loads.

    Raises:
        MedCLIPSegError: there is none, or a file is missing, damaged or was changed.
    """
    installing.verify_folder(str(name), find_model(name))
