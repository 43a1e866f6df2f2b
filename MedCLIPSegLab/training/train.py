"""Train a model on prompted images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.model.catalog import VOCABULARY_FILE
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.folder import (
    is_adapter,
    is_backbone_alone,
    read_backbone_link,
    read_config,
    save_backbone_link,
    save_config,
)
from MedCLIPSegLogic.model.library import find_model
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer, build_vocabulary
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.zoo.installing import share_backbone

from .data import TrainingSet, load_set
from .growth import (
    VOCABULARY_SIZE,
    can_grow,
    grow_config,
    grown_network,
    load_grown,
    small_model_config,
    vocabulary_texts,
    with_head,
)
from .processes import join_processes
from .recipes import Recipe, recipe_settings
from .sampler import source_size
from .settings import TrainingSettings, as_json
from .settings_file import read_table
from .state import STATE_FILE, copy_vocabulary, model_writer
from .trainer import TRAINING_RUN, Trainer, TrainingProgress


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
        if settings.threads:
            torch.set_num_threads(settings.threads)
        begun_from = folder if resume else source
        start = None if begun_from is None else read_config(begun_from)
        # Without other changes of the picture, images are sampled as the model will see them.
        antialias = start is None or start.preprocessing.antialias or settings.augmentation == "full"
        train_sets, validation_sets = load_sets(folders, settings, antialias)
        record = {
            **describe_run(train_sets, settings),
            "torch": torch.__version__,
            "seconds": 0.0,
            "start_from": None if start_from is None else str(start_from),
            "processes": processes.count,
        }
        if resume:
            earlier = processes.on_first(lambda: TRAINING_RUN.read(folder))
            TRAINING_RUN.require_same(folder, {"data": earlier["data"]}, {"data": record["data"]})
            record = earlier
        else:
            processes.on_first(lambda: _make_folder(folder, train_sets, settings, source, record))
        torch.manual_seed(settings.seed)
        network = _start_network(folder, source, settings)
        tokenizer = PromptTokenizer(network.config, folder)
        trainer = Trainer(
            network,
            tokenizer,
            train_sets,
            validation_sets,
            settings,
            folder,
            processes,
            model_writer(folder, network.config, read_backbone_link(folder)),
            (network.vision_model, network.text_model) if settings.freeze_towers else (),
        )
        trainer.train(record, resume, progress)
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
    return TrainingSettings().changed(TRAINING_RUN.read(folder)["settings"])


def _check_request(
    folders: Sequence[Path], folder: Path, settings: TrainingSettings, source: Path | None, resume: bool
) -> None:
    if not folders:
        raise MedCLIPSegError("Training needs at least one data set folder.")
    if resume and not (folder / STATE_FILE).is_file():
        raise MedCLIPSegError(f"There is no interrupted training in {folder}: it has no {STATE_FILE}.")
    if resume and source is not None:
        raise MedCLIPSegError("A resumed training goes on from its own weights; leave out --start-from.")
    if not resume:
        TRAINING_RUN.require_new(folder)
    if len({entry.resolve().name for entry in folders}) < len(folders):
        raise MedCLIPSegError("Two data set folders have the same name; rename one of them.")
    if settings.freeze_towers and source is None and not resume:
        raise MedCLIPSegError("Frozen towers need a trained model; give one with --start-from.")
    if source is not None:
        _check_start(read_config(source), settings)


def load_sets(
    folders: Sequence[Path], settings: TrainingSettings, antialias: bool = True
) -> tuple[list[TrainingSet], list[TrainingSet]]:
    """Sets to train on, and those of them that have images to validate on.

    Args:
        folders: of data sets.
        settings: of the run.
        antialias: average where images shrink.

    Raises:
        MedCLIPSegError: as :func:`load_set`.
    """
    size = source_size(settings, max(size for _, size in settings.stages))
    share, seed = settings.data_share, settings.seed
    train_sets = [load_set(entry, "Train", size, share, seed, antialias) for entry in folders]
    with_validation = [entry for entry in folders if (entry / "Val_Folder" / "img").is_dir()]
    return train_sets, [load_set(entry, "Val", size, share, seed, antialias) for entry in with_validation]


def describe_run(sets: Sequence[TrainingSet], settings: TrainingSettings) -> dict[str, Any]:
    """What the record of every run that begins tells."""
    return {
        "medclipseg": __version__,
        "finished": False,
        "data": {s.name: {"images": s.image_count, "items": len(s.items)} for s in sets},
        "settings": as_json(settings),
    }


def _make_folder(
    folder: Path,
    train_sets: Sequence[TrainingSet],
    settings: TrainingSettings,
    source: Path | None,
    record: dict[str, Any],
) -> None:
    """Write vocabulary, configuration and record of a new run."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = vocabulary_texts(train_sets, settings)
    if source is None:
        vocabulary_size = build_vocabulary(texts, VOCABULARY_SIZE, folder / VOCABULARY_FILE)
        config = small_model_config(vocabulary_size, settings.stages[-1][1])
    elif _grows(source, settings):
        config = grow_config(source, texts, settings.stages[-1][1], VOCABULARY_SIZE, folder)
    else:
        config = read_config(source)
        copy_vocabulary(source, folder)
        backbone = read_backbone_link(source)
        if settings.freeze_towers and backbone is not None:
            share_backbone(source)
            save_backbone_link(backbone, folder)
    save_config(with_head(config, settings.stochastic_head), folder)
    TRAINING_RUN.write(folder, record)


def _check_start(config: ModelConfig, settings: TrainingSettings) -> None:
    """Refuse what a model cannot be trained further on."""
    size = config.image.image_size
    if (settings.freeze_towers or not can_grow(config)) and (
        settings.stages[-1][1] != size or (config.image.kind == "vit" and len(settings.stages) > 1)
    ):
        raise MedCLIPSegError(f"The model to start from takes inputs of {size} pixels; give the stages 1:{size}.")
    if config.preprocessing.fit != "stretch":
        raise MedCLIPSegError("The model to start from takes letter-boxed inputs, but training stretches images.")
