"""What is known of a model without loading it: nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import MedCLIPSegError, MissingModelError, quoted
from .manifest import NOT_STATED, ZooEntry, zoo
from .store import IMPORT_RECORD, backbone_file, installed_models, is_model_folder, models_folder, read_object

FIRST_MODEL = "mini"
"""The default until another model is downloaded."""

BUNDLED_MODELS = Path(__file__).parent.parent / "Resources" / "Models"
CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
ADAPTER_FILE = "adapter.safetensors"
BACKBONE_FILE = "backbone.json"
OWN_BACKBONE_FILE = "backbone.safetensors"
"""Towers that lie with the model, whether or not they are shared as well: those of a tuned backbone."""
CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
BYTE_PAIRS_FILE = "bpe_simple_vocab_16e6.txt.gz"


@dataclass(frozen=True)
class ModelDescription:
    """A model for people.

    Args:
        name: what `load_model` takes: the name of a bundled, installed or published model, or a folder.
        title: short, for lists.
        purpose: what it was trained for, one or more sentences; empty when nobody says.
        license: of the weights; empty when nobody says.
        size_bytes: of the weights on disk, a shared backbone included; 0 when they aren't there.
        on_disk: weights and configuration are there.
        folder: where they are or would be.
        kind: "model" segments; "backbone" has towers without trained adapters, and "sam" needs boxes or points: those
            can't segment by themselves.
        published: its entry among the published models, which can be downloaded; None for others.
    """

    name: str
    title: str
    purpose: str
    license: str
    size_bytes: int
    on_disk: bool
    folder: Path
    kind: Literal["model", "backbone", "sam"] = "model"
    published: ZooEntry | None = None

    @property
    def license_text(self) -> str:
        """The license of the weights; where nobody states it, also what it probably is."""
        stated = self.license or NOT_STATED
        return self.published.file.license_text if self.published and stated == NOT_STATED else stated


def bundled_models() -> list[str]:
    """Names of the models that come with the extension."""
    return sorted(path.parent.name for path in BUNDLED_MODELS.glob(f"*/{WEIGHTS_FILE}"))


def known_models() -> list[str]:
    """Names of the bundled, the installed and the published models, in this order."""
    return list(dict.fromkeys([*bundled_models(), *installed_models(), *zoo()]))


def default_model() -> str:
    """The model that is meant when none is named: ``mini``, or the published model that was downloaded last."""
    downloaded = [(at, name) for name in installed_models() if (at := _downloaded_at(name)) is not None]
    return max(downloaded)[1] if downloaded else FIRST_MODEL


def _downloaded_at(name: str) -> str | None:
    """When a model that can segment was downloaded, as ISO date and time; None for others."""
    record = _read(models_folder() / name, IMPORT_RECORD)
    source, model = record.get("source"), describe_model(name)
    is_download = isinstance(source, dict) and "repository" in source and "imported" in record
    return str(record["imported"]) if is_download and model.on_disk and model.kind == "model" else None


def model_folder(name_or_folder: str | Path) -> Path:
    """Folder of a model, which need not exist: that of the bundled, installed or published model of this name, else the
    path itself. Names win over folders: a data set may lie beside that is called like a published model."""
    name = str(name_or_folder)
    if name in bundled_models():
        return BUNDLED_MODELS / name
    if name in installed_models() or name in zoo():
        return models_folder() / name
    return Path(name)


def find_model(name: str | Path) -> Path:
    """Folder of a model.

    Args:
        name: a bundled or installed model's name, or a folder with its files.

    Raises:
        MissingModelError: neither exists; says how to download a published model.
    """
    folder = model_folder(name)
    if str(name) in zoo() and not is_model_folder(folder):
        raise MissingModelError(
            f"The model '{name}' is not on this computer yet; get it with medclipseg models download {name}, or in the "
            "Model section of the panel.",
            str(name),
        )
    if folder.is_dir():
        return folder
    names = [*bundled_models(), *installed_models()]
    raise MissingModelError(
        f"There is no model '{quoted(name)}'; give a model folder or one of these names: {', '.join(names)} "
        "(medclipseg models list shows what can be downloaded).",
        str(name),
    )


def describe_model(name_or_folder: str | Path) -> ModelDescription:
    """Describe a bundled, installed or published model or a model folder; never fails.

    Title, purpose and license come from an optional card in the folder, ``model.json``: an object of texts under these
    names. What a damaged card says is left out.

    Args:
        name_or_folder: a model's name or a folder, which need not exist.
    """
    name = str(name_or_folder)
    folder, published = model_folder(name), zoo().get(name)
    if published is not None and not is_model_folder(folder):
        return ModelDescription(
            name,
            published.title,
            published.purpose,
            published.file.license,
            0,
            False,
            folder,
            published.kind,
            published,
        )
    fields = _read(folder, CARD_FILE).items()
    card = {key: " ".join(value.split()) for key, value in fields if isinstance(value, str)}
    sizes = _weight_sizes(folder)
    return ModelDescription(
        name,
        card.get("title") or folder.name or name,
        card.get("purpose", ""),
        card.get("license", ""),
        sum(size or 0 for size in sizes),
        bool(sizes) and None not in sizes and _size(folder / CONFIG_FILE) is not None,
        folder,
        _kind(folder),
        published,
    )


def is_sam_config(data: Mapping[str, Any]) -> bool:
    """True for what a SAM's ``config.json`` holds, as transformers writes it."""
    return data.get("model_type") == "sam"


def require_model_folder(folder: Path) -> ModelDescription:
    """Describe a model folder that someone chose.

    Raises:
        MedCLIPSegError: weights or configuration are missing.
    """
    weights = WEIGHTS_FILE if _size(folder / BACKBONE_FILE) is None else ADAPTER_FILE
    missing = [name for name in (CONFIG_FILE, weights) if _size(folder / name) is None]
    if missing:
        raise MedCLIPSegError(
            f"The folder {folder} is not a model folder, as it has no {' and no '.join(missing)}; choose the folder "
            f"that holds {CONFIG_FILE} and {WEIGHTS_FILE} or {ADAPTER_FILE}."
        )
    return describe_model(folder)


def _kind(folder: Path) -> Literal["model", "backbone", "sam"]:
    if _size(folder / BACKBONE_FILE) is not None:
        return "backbone" if _size(folder / ADAPTER_FILE) is None else "model"
    return "sam" if is_sam_config(_read(folder, CONFIG_FILE)) else "model"


def _weight_sizes(folder: Path) -> list[int | None]:
    """Bytes of each file of weights a model needs; None for one that is missing."""
    if _size(folder / BACKBONE_FILE) is None:
        return [_size(folder / WEIGHTS_FILE)]
    try:
        shared = _size(backbone_file(_read(folder, BACKBONE_FILE)["sha256"]))
        backbone = _size(folder / OWN_BACKBONE_FILE) if shared is None else shared
    except (KeyError, TypeError, MedCLIPSegError):
        backbone = None
    adapter = _size(folder / ADAPTER_FILE)
    return [backbone] if adapter is None else [backbone, adapter]


def _size(path: Path) -> int | None:
    """Bytes of a file; None when there is none that can be seen."""
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):  # a drive that is gone, a name no file system takes
        return None


def _read(folder: Path, name: str) -> dict[str, Any]:
    """What a file of a model folder holds; nothing when it cannot be read."""
    try:
        return read_object(folder, name)
    except (OSError, ValueError, MedCLIPSegError):
        return {}
