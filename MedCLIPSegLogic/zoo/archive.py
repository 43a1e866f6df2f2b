"""A model in one .zip file, to be carried to a computer without network."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

from ..errors import MedCLIPSegError, quoted
from ..files.replacing import replacing
from ..knowledge.known import KNOWLEDGE_FILE
from ..model.catalog import (
    ADAPTER_FILE,
    BACKBONE_FILE,
    BYTE_PAIRS_FILE,
    CARD_FILE,
    CONFIG_FILE,
    OWN_BACKBONE_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
)
from ..model.folder import find_backbone, read_backbone_link
from ..model.sam_checkpoint import PREPROCESSOR_FILE
from ..model.store import IMPORT_RECORD, MAX_TEXT_BYTES, MAX_WEIGHTS_BYTES, own_file
from .reading import DAMAGED_ZIP, is_zip, open_zip

WEIGHTS = (WEIGHTS_FILE, ADAPTER_FILE, OWN_BACKBONE_FILE)
TEXTS = (
    CONFIG_FILE,
    CARD_FILE,
    BACKBONE_FILE,
    IMPORT_RECORD,
    KNOWLEDGE_FILE,
    PREPROCESSOR_FILE,
    VOCABULARY_FILE,
    BYTE_PAIRS_FILE,
    "README.md",
)


def is_model_archive(path: Path) -> bool:
    """True for a zip file with a model's configuration; torch checkpoints are zip files as well."""
    if not is_zip(path):
        return False
    try:
        with open_zip(path) as archive:
            return CONFIG_FILE in archive.namelist()
    except (*DAMAGED_ZIP, OSError):
        return False


def pack(folder: Path, file: Path) -> None:
    """Write a model folder and its backbone into a .zip file.

    Raises:
        MedCLIPSegError: a file leads elsewhere or the backbone is missing.
        OSError: the file cannot be written.
    """
    sha256 = read_backbone_link(folder)
    with replacing(file) as temporary, zipfile.ZipFile(temporary, "w", strict_timestamps=False) as archive:
        for name in (*TEXTS, WEIGHTS_FILE, ADAPTER_FILE):
            if (folder / name).is_file():
                packing = zipfile.ZIP_STORED if name in WEIGHTS else zipfile.ZIP_DEFLATED
                archive.write(own_file(folder, name, MAX_WEIGHTS_BYTES), name, packing)
        if sha256 is not None:
            backbone = find_backbone(folder, sha256)
            if backbone is None:
                raise MedCLIPSegError(f"The backbone {sha256[:12]}… of {folder} is missing; install it again.")
            archive.write(own_file(backbone.parent, backbone.name, MAX_WEIGHTS_BYTES), OWN_BACKBONE_FILE)


def unpack(file: Path, folder: Path) -> tuple[Path | None, str | None]:
    """Unpack what :func:`pack` wrote; every name, kind and size is checked before anything is written.

    Args:
        file: the archive.
        folder: empty folder that receives the model's files.

    Returns:
        The backbone's file in ``folder`` and the SHA-256 it must have; None for a model without shared backbone.

    Raises:
        MedCLIPSegError: damaged, or with an entry no model has.
        OSError: a file cannot be written.
    """
    try:
        with open_zip(file) as archive:
            _check_entries(archive.infolist(), file)
            archive.extractall(folder)  # no more bytes of an entry than the archive says
    except DAMAGED_ZIP as error:
        raise MedCLIPSegError(f"The archive {file.name} is damaged ({quoted(error)}).") from None
    expected = read_backbone_link(folder)
    backbone = folder / OWN_BACKBONE_FILE
    if (expected is None) != (not backbone.is_file()):
        raise MedCLIPSegError(f"The archive {file.name} is incomplete: backbone.json and its weights belong together.")
    return (backbone if expected is not None else None), expected


def _check_entries(entries: list[zipfile.ZipInfo], file: Path) -> None:
    names = [entry.filename for entry in entries]
    for entry in entries:
        if entry.filename not in (*WEIGHTS, *TEXTS):
            raise MedCLIPSegError(f"The archive {file.name} has the entry '{quoted(entry.filename)}', as no model has.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise MedCLIPSegError(f"The entry {entry.filename} of {file.name} is a symbolic link or no regular file.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MedCLIPSegError(f"The entry {entry.filename} of {file.name} is packed as in no archive of a model.")
        if entry.file_size > (MAX_WEIGHTS_BYTES if entry.filename in WEIGHTS else MAX_TEXT_BYTES):
            raise MedCLIPSegError(f"The entry {entry.filename} of {file.name} is larger than any model's.")
    if len(set(names)) < len(names):
        raise MedCLIPSegError(f"The archive {file.name} has two entries of the same name; nothing was unpacked.")
