"""Weights from files of unknown origin: torch checkpoints and safetensors, read without running anything in them."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.serialization import safe_globals

from ..errors import MedCLIPSegError, quoted
from ..model.store import check_is_readable
from .pickle_check import NUMPY_NAMES, check_pickles

MAX_ENTRIES = 20_000
"""More records than any checkpoint has."""
MAX_OBJECT_BYTES = 8 * 2**20
"""Largest description of the objects in a checkpoint, or of the entries of an archive; those seen have some hundred
kilobytes."""
LEGACY_PICKLES = 5
"""With which a checkpoint of torch before 1.6 begins."""
DAMAGED_ZIP = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error, zlib.error)
"""What Python raises on archives that are damaged or packed or encrypted as none of ours."""
ZIP_START = b"PK\x03\x04"
WEIGHTS_FIELDS = ("model", "state_dict")
WRAPPER_PREFIXES = ("module.", "model.")
"""Of networks inside others: torch's parallel ones, and training code that holds CLIP as its model."""
MAX_SHARING = 2
"""Names a weight may have in one file, on average."""
READABLE_TYPES = {torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All weights of a checkpoint by their names in the file, on the CPU, mapped from disk where the format allows.

    A torch checkpoint is read with ``weights_only=True``, after :mod:`.pickle_check`: tensors, plain containers and
    numpy's numbers, no other object. Weights may stand at the top or under ``model`` (MedCLIPSeg) or ``state_dict``
    (open_clip); the prefixes ``module.`` and ``model.`` are taken off.

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
                f"{path.name} cannot be used: {quoted(name)} is of type {tensor.dtype}, {tensor.layout}; weights are "
                "dense and of 16 or 32 bits."
            )
    claimed = sum(tensor.nbytes for tensor in tensors.values())
    if claimed > MAX_SHARING * path.stat().st_size:  # one value may be repeated without end
        raise MedCLIPSegError(f"{path.name} is damaged: its weights would take {claimed:.1e} bytes, more than it has.")
    return tensors


def _wrapper_prefix(tensors: Mapping[str, Tensor]) -> str | None:
    """The wrapper all names begin with, if there is one."""
    return next((p for p in WRAPPER_PREFIXES if tensors and all(name.startswith(p) for name in tensors)), None)


def is_zip(path: Path) -> bool:
    """True if a file begins as a zip archive does."""
    with path.open("rb") as file:
        return file.read(len(ZIP_START)) == ZIP_START


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive to read, whose list of entries is of sensible size.

    Raises:
        zipfile.BadZipFile: it is not, or no archive.
    """
    with _Sparing(path.open("rb", buffering=0)) as file, zipfile.ZipFile(file) as archive:
        yield archive


class _Sparing(io.BufferedReader):
    """A file of which nobody takes much into memory at once."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MAX_OBJECT_BYTES:
            raise zipfile.BadZipFile("its list of entries is of absurd size")
        return super().read(size)


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix == ".safetensors" or file.read(9)[8:] == b"{"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise MedCLIPSegError(f"{path.name} is damaged or not in safetensors format ({quoted(error)}).") from None


def _read_torch(path: Path) -> dict[str, Tensor]:
    mapped = is_zip(path)
    try:
        check_pickles(*((_description(path), 1) if mapped else (_start(path), LEGACY_PICKLES)))
        with safe_globals([(stand_in, name) for name, stand_in in NUMPY_NAMES.items()]):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except MedCLIPSegError:
        raise
    except pickle.UnpicklingError as error:
        raise MedCLIPSegError(
            f"{path.name} holds more than weights ({_first_sentence(error)}), or is damaged; nothing of it was run. "
            "Ask its author for a file with the weights alone."
        ) from None
    except Exception as error:  # a damaged pickle can raise almost anything
        raise MedCLIPSegError(f"{path.name} is damaged or no torch checkpoint ({_first_sentence(error)}).") from None
    return _weights(loaded, path)


def _start(path: Path) -> bytes:
    """As much of a file as descriptions of objects may have."""
    with path.open("rb") as file:
        return file.read(MAX_OBJECT_BYTES)


def _description(path: Path) -> bytes:
    """The pickle in an archive, of which torch could have written every record.

    Packed records may unpack to any size, names may lead anywhere, and what lies before the first record or after a
    zero in a name looks otherwise to torch than to Python.
    """
    try:
        with open_zip(path) as archive:
            records = archive.infolist()
            _check_records(records, path)
            descriptions = [record for record in records if record.filename.lower().endswith(".pkl")]
            if len(descriptions) != 1:
                raise zipfile.BadZipFile(f"{len(descriptions)} descriptions of the weights")
            return archive.read(descriptions[0])
    except (*DAMAGED_ZIP, OSError) as error:
        raise MedCLIPSegError(f"{path.name} is damaged or incomplete ({_first_sentence(error)}).") from None


def _check_records(records: list[zipfile.ZipInfo], path: Path) -> None:
    if len(records) > MAX_ENTRIES:
        raise MedCLIPSegError(f"{path.name} has {len(records)} records, more than any checkpoint.")
    if any(record.filename.endswith("/constants.pkl") for record in records):
        raise MedCLIPSegError(
            f"{path.name} is a TorchScript program, which is not run; use a file with the weights alone, such as "
            "open_clip's."
        )
    if not records or min(record.header_offset for record in records) > 0:
        raise MedCLIPSegError(f"{path.name} is damaged: it does not begin with its first record.")
    for record in records:
        name, parts = quoted(record.filename), record.filename.replace("\\", "/").split("/")
        if ".." in parts or record.filename.startswith(("/", "\\")) or ":" in record.filename:
            raise MedCLIPSegError(f"{path.name} has a record that leads out of it, '{name}'.")
        if record.compress_type != zipfile.ZIP_STORED or record.file_size != record.compress_size:
            raise MedCLIPSegError(f"{path.name} has a packed record, '{name}', as no checkpoint has.")
        if record.filename != record.orig_filename:
            raise MedCLIPSegError(f"{path.name} has a record of ambiguous name, '{name}'.")
        if parts[1:2] != ["data"] and record.file_size > MAX_OBJECT_BYTES:
            raise MedCLIPSegError(f"{path.name} has a record of absurd size, '{name}'.")


def _weights(loaded: Any, path: Path) -> dict[str, Tensor]:
    for field in WEIGHTS_FIELDS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(field), Mapping):
            loaded = loaded[field]
    if not isinstance(loaded, Mapping) or not loaded:
        raise MedCLIPSegError(f"{path.name} holds no weights: neither 'model' nor 'state_dict' nor tensors by name.")
    for name, value in loaded.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise MedCLIPSegError(
                f"{path.name} holds no weights: '{quoted(name)}' is of type {type(value).__name__}, not a tensor."
            )
    return dict(loaded)


def _first_sentence(error: BaseException) -> str:
    """The part of torch's message that says what is wrong, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    marker = "WeightsUnpickler error: "
    if marker in text:
        text = text.split(marker, 1)[1]
    return quoted(text.split(". ")[0].split(", but")[0].rstrip(" .:"))
