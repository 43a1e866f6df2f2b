"""Train a model on prompted images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.model.catalog import VOCABULARY_FILE
from MedCLIPSegLogic.model.checkpoint import (
    is_adapter,
    is_backbone_alone,
    load_to_train,
    read_backbone_link,
    read_config,
    save_backbone_link,
    save_config,
)
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.library import find_model
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer, build_vocabulary
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.zoo.installing import share_backbone

from ..run_record import read_run_record, write_run_record
from .data import TrainingSet, has_split, load_set
from .growth import can_grow, grow_config, grown_network, load_grown, with_head
from .processes import Processes, join_processes
from .recipes import Recipe, recipe_settings
from .sampler import source_size
from .settings import TrainingSettings, as_json
from .settings_file import read_table
from .small_model import VOCABULARY_SIZE, small_model_config
from .state import STATE_FILE
from .trainer import Trainer, TrainingProgress
from .vocabulary import vocabulary_texts
from .weights import copy_vocabulary

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

    Started by ``torchrun``, every process calls this with the same arguments; the first one writes.

    Args:
        data: data set folders (``Train_Folder``, ``Prompts_Folder``, optionally ``Val_Folder``).
        out: model folder to write; also holds log, curve and what is needed to resume.
        settings: how to train; None for the recipe "auto" (see ``recipe_settings``), or those of the resumed run.
        start_from: name or folder of a model or backbone to start from; None starts a small model from scratch. With
            frozen towers a shared backbone stays shared, and only the adapter is written.
        resume: go on with the interrupted run in ``out``.
        progress: called after every step, in the first process.

    Returns:
        The model folder.

    Raises:
        MedCLIPSegError: missing or unreadable data, ``out`` in use, or nothing to resume.
    """
    folders, folder = [Path(name) for name in data], Path(out)
    source = None if start_from is None else find_model(start_from)
    if settings is None:
        settings = begun_settings(folder) if resume else recipe_settings("auto", source)
    with write_failures_in_words(), join_processes(settings.device) as processes:
        processes.on_first(lambda: _check_request(folders, folder, settings, source, resume))
        return _train(folders, folder, settings, start_from, resume, progress, processes)


def _train(
    folders: Sequence[Path],
    folder: Path,
    settings: TrainingSettings,
    start_from: str | Path | None,
    resume: bool,
    progress: Callable[[TrainingProgress], None] | None,
    processes: Processes,
) -> Path:
    source = None if start_from is None else find_model(start_from)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    begun_from = folder if resume else source
    start = None if begun_from is None else read_config(begun_from)
    train_sets, validation_sets = _load(folders, settings, start)
    record = {
        "medclipseg": __version__,
        "torch": torch.__version__,
        "seconds": 0.0,
        "finished": False,
        "start_from": None if start_from is None else str(start_from),
        "processes": processes.count,
        "data": {s.name: {"images": s.image_count, "items": len(s.items)} for s in train_sets},
        "settings": as_json(settings),
    }
    if resume:
        record = processes.on_first(lambda: _earlier_record(folder, record))
    else:
        processes.on_first(lambda: _make_folder(folder, train_sets, settings, source, record))
    torch.manual_seed(settings.seed)
    network = _start_network(folder, source, settings)
    tokenizer = PromptTokenizer(network.config, folder)
    trainer = Trainer(
        network, tokenizer, train_sets, validation_sets, settings, folder, processes, read_backbone_link(folder)
    )
    if resume:
        trainer.resume()
    else:
        trainer.start()
    for step in trainer.run():
        if progress and processes.is_first:
            progress(step)
    record |= {"seconds": round(trainer.seconds, 1), "steps_done": trainer.last_step, "finished": True}
    processes.on_first(lambda: write_record(folder, record))
    return folder


def _start_network(folder: Path, source: Path | None, settings: TrainingSettings) -> MedCLIPSeg:
    config = read_config(folder)
    if source is None:
        return MedCLIPSeg(config)
    if _grows(source, settings):
        return load_grown(source, folder)
    network = load_to_train(source)
    if network.config == config:
        return network
    states = network.state_dict()
    if is_backbone_alone(source):
        states = {name: tensor for name, tensor in states.items() if not is_adapter(name)}
    return grown_network(config, states)


def _grows(source: Path, settings: TrainingSettings) -> bool:
    return not settings.freeze_towers and can_grow(read_config(source))


def training_settings(
    resumed: Path | None,
    recipe: Recipe = "auto",
    start_from: str | Path | None = None,
    file: Path | None = None,
    changes: Mapping[str, Any] | None = None,
) -> TrainingSettings:
    """Settings of a recipe, or of the run that is resumed, with those of a file and then some others replaced.

    Args:
        resumed: folder of the run to resume; None for a new run.
        recipe: of a new run.
        start_from: name or folder of the model a new run starts from.
        file: TOML or JSON file with fields of the settings.
        changes: fields of the settings as JSON holds them; an empty object means its defaults.

    Raises:
        MedCLIPSegError: a file is missing or damaged, or a setting is unknown or out of range.
    """
    source = None if start_from is None else find_model(start_from)
    settings = recipe_settings(recipe, source) if resumed is None else begun_settings(resumed)
    if file is not None:
        try:
            settings = settings.changed(read_table(file))
        except MedCLIPSegError as error:
            raise MedCLIPSegError(f"{file}: {error}") from None
    return settings.changed(changes or {})


def begun_settings(folder: Path) -> TrainingSettings:
    """Settings of the run in a folder.

    Raises:
        MedCLIPSegError: there is no readable record of a run.
    """
    return TrainingSettings().changed(read_record(folder)["settings"])


def read_record(folder: Path) -> dict[str, Any]:
    """The record ``training.json`` of a run.

    Raises:
        MedCLIPSegError: it is missing or damaged.
    """
    return read_run_record(folder / RECORD_FILE, "training", ("settings", "data"))


def _check_request(
    folders: Sequence[Path], folder: Path, settings: TrainingSettings, source: Path | None, resume: bool
) -> None:
    if not folders:
        raise MedCLIPSegError("Training needs at least one data set folder.")
    if resume and not (folder / STATE_FILE).is_file():
        raise MedCLIPSegError(f"There is no interrupted training in {folder}: it has no {STATE_FILE}.")
    if resume and source is not None:
        raise MedCLIPSegError("A resumed training goes on from its own weights; leave out --start-from.")
    if not resume and folder.exists() and any(folder.iterdir()):
        raise MedCLIPSegError(f"The folder {folder} is not empty; resume its training or choose another folder.")
    if len({entry.resolve().name for entry in folders}) < len(folders):
        raise MedCLIPSegError("Two data set folders have the same name; rename one of them.")
    if settings.freeze_towers and source is None and not resume:
        raise MedCLIPSegError("Frozen towers need a trained model; give one with --start-from.")
    if source is not None:
        _check_start(read_config(source), settings)


def _load(
    folders: Sequence[Path], settings: TrainingSettings, start: ModelConfig | None
) -> tuple[list[TrainingSet], list[TrainingSet]]:
    size = source_size(settings, max(size for _, size in settings.stages))
    # Without other changes of the picture, images are sampled as the model will see them.
    antialias = start is None or start.preprocessing.antialias or settings.augmentation == "full"
    share, seed = settings.data_share, settings.seed
    train_sets = [load_set(entry, "Train", size, share, seed, antialias) for entry in folders]
    with_validation = [entry for entry in folders if has_split(entry, "Val")]
    return train_sets, [load_set(entry, "Val", size, share, seed, antialias) for entry in with_validation]


def _make_folder(
    folder: Path,
    train_sets: Sequence[TrainingSet],
    settings: TrainingSettings,
    source: Path | None,
    record: dict[str, Any],
) -> None:
    """Write vocabulary, configuration and record of a new run."""
    folder.mkdir(parents=True, exist_ok=True)
    if source is None:
        texts = vocabulary_texts(train_sets, settings)
        vocabulary_size = build_vocabulary(texts, VOCABULARY_SIZE, folder / VOCABULARY_FILE)
        config = small_model_config(vocabulary_size, settings.stages[-1][1])
    elif _grows(source, settings):
        texts = vocabulary_texts(train_sets, settings)
        config = grow_config(source, texts, settings.stages[-1][1], VOCABULARY_SIZE, folder)
    else:
        config = read_config(source)
        copy_vocabulary(source, folder)
        backbone = read_backbone_link(source)
        if settings.freeze_towers and backbone is not None:
            share_backbone(source)
            save_backbone_link(backbone, folder)
    save_config(with_head(config, settings.stochastic_head), folder)
    write_record(folder, record)


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write ``training.json``.

    Raises:
        OSError: it cannot be written.
    """
    write_run_record(folder / RECORD_FILE, record)


def _earlier_record(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """The record a run was begun with; its data must be those of now."""
    earlier = read_record(folder)
    if earlier["data"] != record["data"]:
        raise MedCLIPSegError(f"The training in {folder} was begun with other data; resume it with the same --data.")
    return earlier


def _check_start(config: ModelConfig, settings: TrainingSettings) -> None:
    """Refuse what a model cannot be trained further on."""
    size = config.image.image_size
    grows = not settings.freeze_towers and can_grow(config)
    if not grows and (settings.stages[-1][1] != size or (config.image.kind == "vit" and len(settings.stages) > 1)):
        raise MedCLIPSegError(f"The model to start from takes inputs of {size} pixels; give the stages 1:{size}.")
    if config.preprocessing.fit != "stretch":
        raise MedCLIPSegError("The model to start from takes letter-boxed inputs, but training stretches images.")
