"""Weights from files of unknown origin: torch checkpoints and safetensors, read without running anything in them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import MedCLIPSegError
from ..model.store import MAX_WEIGHTS_BYTES

MAX_ENTRIES = 20_000
"""More records than any checkpoint has."""
MAX_OBJECT_BYTES = 64 * 2**20
"""Largest description of the objects in a checkpoint; those seen have some hundred kilobytes."""
ZIP_START = b"PK\x03\x04"
WEIGHTS_FIELDS = ("model", "state_dict")
WRAPPER_PREFIXES = ("module.", "model.")
"""Of networks inside others: torch's parallel ones, and training code that holds CLIP as its model."""
READABLE_TYPES = {torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All weights of a checkpoint by their names in the file, on the CPU, mapped from disk where the format allows.

    A torch checkpoint is read with ``weights_only=True``: tensors and plain containers, no other object. Weights may
    stand at the top or under ``model`` (MedCLIPSeg) or ``state_dict`` (open_clip); the prefixes ``module.`` and
    ``model.`` are taken off.

    Args:
        path: .pth, .pt, .bin or .safetensors file.

    Raises:
        MedCLIPSegError: missing, too large, damaged, of another format, or more than weights would have to be loaded.
    """
    check_is_readable(path)
    tensors = _read_safetensors(path) if _is_safetensors(path) else _read_torch(path)
    while (prefix := _wrapper_prefix(tensors)) is not None:
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.dtype not in READABLE_TYPES:
            raise MedCLIPSegError(
                f"{path.name} cannot be used: {name} is of type {tensor.dtype}, {tensor.layout}; weights are dense and "
                "of 16 or 32 bits."
            )
    return tensors


def _wrapper_prefix(tensors: Mapping[str, Tensor]) -> str | None:
    """The wrapper all names begin with, if there is one."""
    return next((p for p in WRAPPER_PREFIXES if tensors and all(name.startswith(p) for name in tensors)), None)


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


def is_zip(path: Path) -> bool:
    """True if a file begins as a zip archive does."""
    with path.open("rb") as file:
        return file.read(len(ZIP_START)) == ZIP_START


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix == ".safetensors" or file.read(9)[8:] == b"{"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise MedCLIPSegError(f"{path.name} is damaged or not in safetensors format ({error}).") from None


def _read_torch(path: Path) -> dict[str, Tensor]:
    mapped = is_zip(path)
    if mapped:
        _check_records(path)
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise MedCLIPSegError(
            f"{path.name} holds more than weights ({_first_sentence(error)}), or is damaged; nothing of it was run. "
            "Ask its author for a file with the weights alone."
        ) from None
    except Exception as error:  # a damaged pickle can raise almost anything
        raise MedCLIPSegError(f"{path.name} is damaged or no torch checkpoint ({_first_sentence(error)}).") from None
    return _weights(loaded, path)


def _check_records(path: Path) -> None:
    """Refuse archives that torch never writes: packed records may unpack to any size, names may lead anywhere."""
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise MedCLIPSegError(f"{path.name} is damaged or incomplete ({error}).") from None
    if any(record.filename.endswith("/constants.pkl") for record in records):
        raise MedCLIPSegError(
            f"{path.name} is a TorchScript program, which is not run; use a file with the weights alone, such as "
            "open_clip's."
        )
    if len(records) > MAX_ENTRIES:
        raise MedCLIPSegError(f"{path.name} has {len(records)} records, more than any checkpoint.")
    for record in records:
        parts = record.filename.replace("\\", "/").split("/")
        if ".." in parts or record.filename.startswith(("/", "\\")) or ":" in record.filename:
            raise MedCLIPSegError(f"{path.name} has a record that leads out of it, '{record.filename}'.")
        if record.compress_type != zipfile.ZIP_STORED or record.file_size != record.compress_size:
            raise MedCLIPSegError(f"{path.name} has a packed record, '{record.filename}', as no checkpoint has.")
        if parts[-1].endswith(".pkl") and record.file_size > MAX_OBJECT_BYTES:
            raise MedCLIPSegError(f"{path.name} has a record of absurd size, '{record.filename}'.")


def _weights(loaded: Any, path: Path) -> dict[str, Tensor]:
    for field in WEIGHTS_FIELDS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(field), Mapping):
            loaded = loaded[field]
    if not isinstance(loaded, Mapping) or not loaded:
        raise MedCLIPSegError(f"{path.name} holds no weights: neither 'model' nor 'state_dict' nor tensors by name.")
    for name, value in loaded.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise MedCLIPSegError(
                f"{path.name} holds no weights: '{str(name)[:80]}' is of type {type(value).__name__}, not a tensor."
            )
    return dict(loaded)


def _first_sentence(error: BaseException) -> str:
    """The part of torch's message that says what is wrong, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    marker = "WeightsUnpickler error: "
    if marker in text:
        text = text.split(marker, 1)[1]
    return text.split(". ")[0].split(", but")[0][:160].rstrip(" .:")
