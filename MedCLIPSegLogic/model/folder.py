"""The files of a model folder beside its weights. Nothing here imports torch.

A model folder holds either all weights in ``model.safetensors``, or the trained part in ``adapter.safetensors`` and in
``backbone.json`` the SHA-256 of the shared file with the towers, of which ``backbone.safetensors`` is a copy of the
folder's own, if there is one. Without an adapter it is a backbone to train on.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from ..checked import from_json
from ..errors import MedCLIPSegError
from ..files.replacing import write_json
from ..knowledge.known import KNOWLEDGE_FILE, Knowledge
from .catalog import ADAPTER_FILE, BACKBONE_FILE, CONFIG_FILE, OWN_BACKBONE_FILE, is_sam_config
from .config import ModelConfig
from .store import backbone_file, read_object

ADAPTER_PREFIXES = ("pvl_adapters.", "upscale.", "mask_head.", "mask_deviation.")
"""What is trained on a frozen backbone."""


def save_config(config: ModelConfig, folder: Path) -> None:
    """Write ``config.json``."""
    write_json(folder / CONFIG_FILE, dataclasses.asdict(config))


def read_config(folder: Path) -> ModelConfig:
    """Read ``config.json`` of a model folder.

    Raises:
        MedCLIPSegError: the file is missing or does not describe a model.
    """
    try:
        data = read_object(folder, CONFIG_FILE)
    except FileNotFoundError:
        raise MedCLIPSegError(f"{folder} is not a model folder: it has no {CONFIG_FILE}.") from None
    if is_sam_config(data):
        raise MedCLIPSegError(
            f"'{folder.name}' is a SAM and cannot segment from a text by itself; use it with medclipseg zeroshot --sam."
        )
    return ModelConfig.from_json(data, str(folder / CONFIG_FILE))


def save_knowledge(knowledge: Knowledge, folder: Path) -> None:
    """Write ``knowledge.json``."""
    write_json(folder / KNOWLEDGE_FILE, dataclasses.asdict(knowledge))


def read_knowledge(folder: Path) -> Knowledge | None:
    """What a model folder says its model knows; None when it says nothing.

    Raises:
        MedCLIPSegError: ``knowledge.json`` is damaged.
    """
    try:
        data = read_object(folder, KNOWLEDGE_FILE)
    except FileNotFoundError:
        return None
    try:
        return from_json(Knowledge, data)
    except MedCLIPSegError as error:
        raise MedCLIPSegError(f"{folder / KNOWLEDGE_FILE} is damaged: {error}") from None


def save_backbone_link(sha256: str, folder: Path) -> None:
    """Write ``backbone.json``."""
    write_json(folder / BACKBONE_FILE, {"sha256": sha256})


def read_backbone_link(folder: Path) -> str | None:
    """SHA-256 of the shared backbone of a model folder; None when it has all its weights itself.

    Raises:
        MedCLIPSegError: ``backbone.json`` is damaged or names something else, a path for example.
    """
    try:
        sha256 = read_object(folder, BACKBONE_FILE).get("sha256")
    except FileNotFoundError:
        return None
    if not isinstance(sha256, str):
        raise MedCLIPSegError(f"{folder / BACKBONE_FILE} lacks the field 'sha256'.")
    backbone_file(sha256)
    return sha256


def find_backbone(folder: Path, sha256: str) -> Path | None:
    """The shared file with the towers of a model folder, or else the folder's own copy; None without either."""
    files = (backbone_file(sha256), folder / OWN_BACKBONE_FILE)
    return next((file for file in files if file.is_file()), None)


def is_backbone_alone(folder: Path) -> bool:
    """A model folder whose adapters are still to be trained."""
    return read_backbone_link(folder) is not None and not (folder / ADAPTER_FILE).exists()


def is_adapter(name: str) -> bool:
    """A weight of the adapters, the upscale blocks or the mask head."""
    return name.startswith(ADAPTER_PREFIXES)


def file_hash(path: Path) -> str:
    """SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
