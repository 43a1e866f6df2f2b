"""Train a model on prompted images."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import MedCLIPSegError
from ..model.catalog import BYTE_PAIRS_FILE, VOCABULARY_FILE
from ..model.checkpoint import load_to_train, read_backbone_link, read_config, save_backbone_link, save_config
from ..model.config import ModelConfig
from ..model.library import find_model
from ..model.network import MedCLIPSeg
from ..model.tokenizer import PromptTokenizer, build_vocabulary
from ..training.data import TrainingSet, has_split, load_set
from ..training.prompts import vary
from ..training.sampler import SOURCE_SCALE
from ..training.settings import VOCABULARY_SIZE, TrainingSettings, small_model_config
from ..training.state import STATE_FILE
from ..training.trainer import Trainer, TrainingProgress
from ..version import __version__

RECORD_FILE = "training.json"


def train(
    data: Sequence[str | Path],
    out: str | Path,
    settings: TrainingSettings | None = None,
    start_from: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Path:
    """Train on data sets in MedCLIPSeg's layout and write a model folder.

    Args:
        data: data set folders (``Train_Folder``, ``Prompts_Folder``, optionally ``Val_Folder``).
        out: model folder to write; also holds log, curve and what is needed to resume.
        settings: how to train.
        start_from: name or folder of a model or backbone to start from; None starts a small model from scratch. With
            frozen towers a shared backbone stays shared, and only the adapter is written.
        resume: go on with the interrupted run in ``out``.
        progress: called after every step.

    Returns:
        The model folder.

    Raises:
        MedCLIPSegError: missing or unreadable data, ``out`` in use, or nothing to resume.
    """
    settings = settings or TrainingSettings()
    folders, folder = [Path(name) for name in data], Path(out)
    if not folders:
        raise MedCLIPSegError("Training needs at least one data set folder.")
    if resume and not (folder / STATE_FILE).is_file():
        raise MedCLIPSegError(f"There is no interrupted training in {folder}: it has no {STATE_FILE}.")
    if resume and start_from is not None:
        raise MedCLIPSegError("A resumed training goes on from its own weights; leave out --start-from.")
    if not resume and folder.exists() and any(folder.iterdir()):
        raise MedCLIPSegError(f"The folder {folder} is not empty; resume its training or choose another folder.")
    if len({entry.resolve().name for entry in folders}) < len(folders):
        raise MedCLIPSegError("Two data set folders have the same name; rename one of them.")
    if settings.freeze_towers and start_from is None and not resume:
        raise MedCLIPSegError("Frozen towers need a trained model; give one with --start-from.")
    source = None if start_from is None else find_model(start_from)
    if source is not None:
        _check_start(read_config(source), settings)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    size = round(SOURCE_SCALE * max(size for _, size in settings.stages))
    train_sets = [load_set(entry, "Train", size) for entry in folders]
    validation_sets = [load_set(entry, "Val", size) for entry in folders if has_split(entry, "Val")]
    folder.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(settings.seed)
    network = _network(train_sets, folder, settings, source, resume)
    tokenizer = PromptTokenizer(network.config, folder)
    backbone = read_backbone_link(folder)
    trainer = Trainer(network, tokenizer, train_sets, validation_sets, settings, folder, backbone)
    record = {
        "medclipseg": __version__,
        "torch": torch.__version__,
        "seconds": 0.0,
        "start_from": str(start_from) if start_from else None,
        "data": {s.name: {"images": s.image_count, "items": len(s.items)} for s in train_sets},
        "settings": dataclasses.asdict(settings),
    }
    if resume:
        record = _earlier_record(folder, record)
        trainer.resume()
    else:
        save_config(network.config, folder)
        _write_record(folder, record)
        trainer.start()
    for step in trainer.run():
        if progress:
            progress(step)
    _write_record(folder, {**record, "seconds": round(trainer.seconds, 1)})
    return folder


def default_stages(start_from: str | Path | None, resumed: Path | None) -> tuple[tuple[float, int], ...]:
    """Input sizes of a training that names none: those it was begun with, or the size of the model to start from.

    Args:
        start_from: model to start from; None for a small model from scratch.
        resumed: folder of an interrupted training; None for a new one.

    Raises:
        MedCLIPSegError: the model does not exist.
    """
    if resumed is not None:
        try:
            record = json.loads((resumed / RECORD_FILE).read_text(encoding="utf-8"))
            return tuple((float(share), int(size)) for share, size in record["settings"]["stages"])
        except (OSError, ValueError, KeyError, TypeError):
            return TrainingSettings.stages  # the training itself says what is wrong
    if start_from is not None:
        return ((1.0, read_config(find_model(start_from)).image.image_size),)
    return TrainingSettings.stages


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _earlier_record(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """The record a run was begun with; its data must be those of now."""
    try:
        earlier = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MedCLIPSegError(f"The record {folder / RECORD_FILE} of the training cannot be read: {error}.") from None
    if earlier.get("data") != record["data"]:
        raise MedCLIPSegError(f"The training in {folder} was begun with other data; resume it with the same --data.")
    return earlier


def _check_start(config: ModelConfig, settings: TrainingSettings) -> None:
    """Refuse what a model cannot be trained further on."""
    size = config.image.image_size
    if settings.stages[-1][1] != size or (config.image.kind == "vit" and len(settings.stages) > 1):
        raise MedCLIPSegError(f"The model to start from takes inputs of {size} pixels; give the stages 1:{size}.")
    if config.preprocessing.fit != "stretch":
        raise MedCLIPSegError("The model to start from takes letter-boxed inputs, but training stretches images.")


def _network(
    train_sets: Sequence[TrainingSet],
    folder: Path,
    settings: TrainingSettings,
    source: Path | None,
    resume: bool,
) -> MedCLIPSeg:
    if resume:
        return MedCLIPSeg(read_config(folder))
    if source is not None:
        network = load_to_train(source)
        for name in (VOCABULARY_FILE, BYTE_PAIRS_FILE):
            if (source / name).is_file():
                (folder / name).write_bytes((source / name).read_bytes())
        backbone = read_backbone_link(source)
        if settings.freeze_towers and backbone is not None:
            save_backbone_link(backbone, folder)
        return network
    rng = np.random.default_rng(settings.seed)
    texts = [variant for s in train_sets for text in s.prompts for variant in (text, vary(text, rng))]
    vocabulary_size = build_vocabulary(texts, VOCABULARY_SIZE, folder / VOCABULARY_FILE)
    return MedCLIPSeg(small_model_config(vocabulary_size, settings.stages[-1][1]))
