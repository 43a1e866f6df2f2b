"""Published checkpoints become models: one shared backbone, one small adapter, and the tokenizer's file."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import MedCLIPSegError
from ..files.replacing import write_json, write_text
from ..model.catalog import (
    ADAPTER_FILE,
    CARD_FILE,
    CONFIG_FILE,
    OWN_BACKBONE_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
)
from ..model.checkpoint import save_weights
from ..model.config import ModelConfig
from ..model.flavors import FLAVORS
from ..model.folder import file_hash, is_adapter, save_config
from ..model.manifest import ZooEntry, zoo
from ..model.sam_checkpoint import MEDSAM_PREPROCESSING, SamPreprocessing, input_side, save_preprocessing
from ..model.store import IMPORT_RECORD, check_is_readable, installed_models, models_folder
from ..model.tokenizer import PromptTokenizer, copy_byte_pairs
from ..version import __version__
from .archive import is_model_archive, unpack
from .installing import Backbone, adopt_backbone, check_free, new_model, place_backbone, verify_folder
from .layouts import KeyReport, MappedWeights, map_weights
from .reading import read_tensors
from .sam_layouts import is_sam, map_sam_weights

HALF_LIMIT = 65_504.0
"""Largest number of float16."""
MEDSAM = "medsam"
"""Flavor, and part of the names of its files."""


@dataclass(frozen=True)
class ImportReport:
    """What an import made.

    Args:
        name: of the model.
        folder: model folder.
        flavor: tower family.
        has_adapter: it can segment; otherwise it is a backbone to train on.
        adapter_bytes: size of the adapter's file; 0 without one.
        backbone: the shared towers; None when the model has all weights in one file.
        keys: what became of every key, in the order of the file; empty for an archive of ours.
        half: the adapter was rounded to float16.
    """

    name: str
    folder: Path
    flavor: str
    has_adapter: bool
    adapter_bytes: int
    backbone: Backbone | None
    keys: list[KeyReport]
    half: bool


def import_file(
    file: Path,
    name: str,
    vocabulary: Path | None = None,
    half: bool = False,
    replace: bool = False,
    source: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Turn a published checkpoint, or an archive of ours, into an installed model.

    Args:
        file: MedCLIPSeg ``.pth``, CLIP checkpoint of one of the flavors, SAM, or ``.zip`` written by ``models export``.
        name: of the model.
        vocabulary: WordPiece vocabulary; None looks beside ``file`` and among the installed models.
        half: store the adapter as float16: half the size, no longer bit for bit what was published.
        replace: take the place of an installed model of this name.
        source: where the file came from and its SHA-256, for the record; None for a file of the user.

    Raises:
        MedCLIPSegError: the file is refused, the name is taken, a tokenizer's file is missing, or the disk is full.
    """
    check_free(name, replace)
    check_is_readable(file)
    if is_model_archive(file):
        return _import_archive(file, name, replace)
    tensors = read_tensors(file)
    if is_sam(tensors):
        return _import_sam(tensors, file, name, replace, source)
    mapped = map_weights(tensors, FLAVORS, file.name)
    with new_model(name, replace) as folder:
        _add_tokenizer(mapped.config, folder, vocabulary, file)
        adapter_bytes = _add_adapter(mapped, folder, half, file.name) if mapped.has_adapter else 0
        backbone = place_backbone({n: t for n, t in mapped.tensors.items() if not is_adapter(n)}, folder)
        save_config(mapped.config, folder)
        published, towers = zoo().get(name), zoo().get(mapped.config.flavor)
        is_published = published is not None and published.flavor == mapped.config.flavor
        purpose = "" if mapped.has_adapter else "A backbone to train on."
        license = towers.file.license if towers else ""
        _write_card(folder, published if is_published else None, name, purpose, license)
        _write_record(folder, file, source, half, mapped.report)
    return ImportReport(
        name,
        models_folder() / name,
        mapped.config.flavor,
        mapped.has_adapter,
        adapter_bytes,
        backbone,
        mapped.report,
        half,
    )


def _import_archive(file: Path, name: str, replace: bool) -> ImportReport:
    with new_model(name, replace) as folder:
        backbone_file, expected = unpack(file, folder)
        backbone = None
        if backbone_file is not None:
            backbone = adopt_backbone(folder)
            if backbone.sha256 != expected:
                raise MedCLIPSegError(f"{file.name} is damaged: its backbone is not the one its model needs.")
        flavor = verify_folder(name, folder)
        adapter = folder / ADAPTER_FILE
        size = adapter.stat().st_size if adapter.is_file() else 0
    has_adapter = flavor != "sam" and (backbone is None or size > 0)
    return ImportReport(name, models_folder() / name, flavor, has_adapter, size, backbone, [], False)


def _import_sam(
    tensors: Mapping[str, Tensor], file: Path, name: str, replace: bool, source: Mapping[str, Any] | None
) -> ImportReport:
    """Both layouts of SAM; MedSAM, which has the same weights but other inputs, is known by name."""
    config, weights, keys = map_sam_weights(tensors, file.name)
    published = zoo().get(name)
    is_medsam = published.flavor == MEDSAM if published is not None else MEDSAM in file.name.lower()
    with new_model(name, replace) as folder:
        save_weights({key: tensor.clone() for key, tensor in weights.items()}, folder / WEIGHTS_FILE)
        write_text(folder / CONFIG_FILE, config.to_json_string())
        preprocessing = MEDSAM_PREPROCESSING if is_medsam else SamPreprocessing()
        save_preprocessing(preprocessing, folder, input_side(config))
        _write_card(folder, published, name, "A SAM for medclipseg zeroshot.", "")
        _write_record(folder, file, source, False, keys)
    return ImportReport(name, models_folder() / name, MEDSAM if is_medsam else "sam", False, 0, None, keys, False)


def _add_adapter(mapped: MappedWeights, folder: Path, half: bool, source: str) -> int:
    tensors = {n: t for n, t in mapped.tensors.items() if is_adapter(n)}
    if half:
        for name, tensor in tensors.items():
            if float(tensor.abs().max()) > HALF_LIMIT:
                raise MedCLIPSegError(
                    f"{source} cannot be stored in half precision: {name} has values above {HALF_LIMIT:.0f}."
                )
    save_weights(tensors, folder / ADAPTER_FILE, half)
    return (folder / ADAPTER_FILE).stat().st_size


def _add_tokenizer(config: ModelConfig, folder: Path, vocabulary: Path | None, file: Path) -> None:
    """Put the tokenizer's file into the model folder and see that it fits."""
    if config.tokenizer == "clip":
        copy_byte_pairs(folder)
    else:
        found = vocabulary or _find_vocabulary(config, file)
        if not found.is_file():
            raise MedCLIPSegError(f"There is no vocabulary {found}.")
        shutil.copyfile(found, folder / VOCABULARY_FILE)
    PromptTokenizer(config, folder)


def _find_vocabulary(config: ModelConfig, file: Path) -> Path:
    if (file.parent / VOCABULARY_FILE).is_file():
        return file.parent / VOCABULARY_FILE
    for name in installed_models():
        path = models_folder() / name / VOCABULARY_FILE
        try:
            PromptTokenizer(config, path.parent)
        except MedCLIPSegError:
            continue
        return path
    where = next((e.vocabulary.key for e in zoo().values() if e.flavor == config.flavor and e.vocabulary), None)
    raise MedCLIPSegError(
        f"A {config.flavor} model needs the vocabulary of its text tower"
        + (f", {where} on the hub" if where else "")
        + f"; put it as {VOCABULARY_FILE} beside {file.name} or name it with --vocabulary."
    )


def _write_card(folder: Path, published: ZooEntry | None, name: str, purpose: str, license: str) -> None:
    """Write what the list of models says, or what is known of a model that is not in it."""
    card = {"title": name, "purpose": purpose, "license": license}
    if published is not None:
        card = {"title": published.title, "purpose": published.purpose, "license": published.file.license}
        card["citation"] = published.citation
    write_json(folder / CARD_FILE, card)


def _write_record(
    folder: Path, file: Path, source: Mapping[str, Any] | None, half: bool, keys: list[KeyReport]
) -> None:
    record = {
        "source": dict(source or {"file": file.name, "sha256": file_hash(file)}),
        "imported": datetime.now(UTC).isoformat(timespec="seconds"),
        "medclipseg": __version__,
        "adapter_precision": "float16" if half else "float32",
        "files": {path.name: file_hash(path) for path in sorted(folder.iterdir()) if path.name != OWN_BACKBONE_FILE},
        "keys": [dataclasses.asdict(key) for key in keys],
    }
    write_json(folder / IMPORT_RECORD, record)
