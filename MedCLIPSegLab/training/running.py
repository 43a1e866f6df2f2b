"""A training from its data to its model folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from MedCLIPSegLogic.inference.threads import threads_for
from MedCLIPSegLogic.model.catalog import VOCABULARY_FILE
from MedCLIPSegLogic.model.checkpoint import load_to_train
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

from ..knowing.learning import record_knowledge
from ..knowing.sets import by_kind, find_others, find_sets
from .data import TrainingSet, load_set
from .growth import (
    VOCABULARY_SIZE,
    grow_config,
    grown_network,
    load_grown,
    small_model_config,
    vocabulary_texts,
    with_head,
)
from .processes import join_processes
from .request import STATE_FILE, TRAINING_RUN, can_grow, check_request
from .sampler import source_size
from .settings import TrainingSettings, as_json
from .state import copy_vocabulary, model_writer
from .trainer import Trainer, TrainingProgress


def run_training(
    folders: Sequence[Path],
    folder: Path,
    settings: TrainingSettings,
    source: Path | None,
    resume: bool,
    progress: Callable[[TrainingProgress], None] | None,
    start_from: str | None,
) -> None:
    """Train, as :func:`.train.train` says; started by ``torchrun``, together with the other processes.

    Args:
        folders: of the data sets.
        folder: of the run.
        settings: how to train.
        source: folder of the model to start from, or None.
        resume: go on with the run in ``folder``.
        progress: called after every step, in the first process.
        start_from: ``source`` as it was named, for the record.

    Raises:
        MedCLIPSegError: bad data, ``folder`` in use, or nothing to resume.
        OSError: a file cannot be written.
    """
    with ExitStack() as stack:
        processes = stack.enter_context(join_processes(settings.device))
        scratch = processes.on_first(lambda: stack.enter_context(TRAINING_RUN.claimed(folder)))
        processes.on_first(lambda: check_request(folders, folder, settings, source, resume))
        stack.enter_context(threads_for(settings.threads))
        begun_from = folder if resume else source
        start = None if begun_from is None else read_config(begun_from)
        # Without other changes of the picture, images are sampled as the model will see them.
        antialias = start is None or start.preprocessing.antialias or settings.augmentation == "full"
        train_sets, validation_sets = load_sets(folders, settings, antialias)
        record = {
            **describe_run(train_sets, settings),
            "torch": torch.__version__,
            "seconds": 0.0,
            "start_from": start_from,
            "processes": processes.count,
        }
        if resume:
            earlier = processes.on_first(lambda: TRAINING_RUN.read(folder))
            TRAINING_RUN.require_same(folder, {"data": earlier["data"]}, {"data": record["data"]})
            record = earlier
            # Killed before its first state it begins once more.
            named = None if (folder / STATE_FILE).is_file() else record.get("start_from")
            source = None if named is None else find_model(named)
        else:
            processes.on_first(lambda: _begin(folder, scratch, train_sets, settings, source, record))
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
        trainer.train(record, resume, progress, lambda: _record_knowledge(folders, folder, settings, processes.device))


def _record_knowledge(folders: Sequence[Path], folder: Path, settings: TrainingSettings, device: torch.device) -> None:
    """Write what the trained model knows beside it."""
    sets = find_sets(folders, settings.kinds, settings.data_share, settings.seed)
    styled = settings.styles is not None or settings.prompts == "varied"
    others = find_others([Path(name) for name in settings.others], settings.kinds, [*by_kind(sets)])
    record_knowledge(folder, folder, sets, others, styled, device)


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


def _begin(
    place: Path,
    scratch: Path,
    train_sets: Sequence[TrainingSet],
    settings: TrainingSettings,
    source: Path | None,
    record: dict[str, Any],
) -> None:
    """Write vocabulary, configuration and record of a new run."""
    with TRAINING_RUN.begun_whole(place, scratch) as folder:
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
