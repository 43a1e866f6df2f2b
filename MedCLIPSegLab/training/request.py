"""What is asked of a training, read and checked without loading torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import ADAPTER_FILE, WEIGHTS_FILE, find_model
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.folder import read_config

from ..data.image_folders import images_of
from ..knowing.sets import check_kinds
from ..run_folder import RunKind
from .data import require_images
from .recipes import Recipe, recipe_settings
from .settings import TrainingSettings
from .settings_file import read_table

STATE_FILE = "state.safetensors"
MAY_CHANGE = {
    "threads",
    "validate_every",
    "validation_limit",
    "device",
    "tensorboard",
    "accumulation",
    "kinds",
    "others",
}
"""Settings that do not change the weights a resumed run ends with, but for rounding."""
TRAINING_RUN = RunKind("training", "training.json", ("settings", "data"))


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


def check_request(
    folders: Sequence[Path], folder: Path, settings: TrainingSettings, source: Path | None, resume: bool
) -> None:
    """Refuse a training that cannot begin.

    Args:
        folders: of the data sets.
        folder: of the run.
        settings: how to train.
        source: folder of the model to start from, or None.
        resume: go on with the run in ``folder``.

    Raises:
        MedCLIPSegError: missing data, ``folder`` in use, nothing to resume, or settings that do not go together.
    """
    if not folders:
        raise MedCLIPSegError("Training needs at least one data set folder.")
    if resume and not (folder / STATE_FILE).is_file() and not _is_untouched(folder):
        raise MedCLIPSegError(f"There is no interrupted training in {folder}: it has no {STATE_FILE}.")
    if resume and source is not None:
        raise MedCLIPSegError("A resumed training goes on from its own weights; leave out --start-from.")
    if not resume:
        TRAINING_RUN.require_new(folder)
    if len({entry.resolve().name for entry in folders}) < len(folders):
        raise MedCLIPSegError("Two data set folders have the same name; rename one of them.")
    others = [Path(name) for name in settings.others]
    check_kinds([*folders, *others], settings.kinds)
    for entry in others:
        images_of(entry, "Train")
    if settings.freeze_towers and source is None and not resume:
        raise MedCLIPSegError("Frozen towers need a trained model; give one with --start-from.")
    if source is not None:
        _check_start(read_config(source), settings)
    for entry in folders:
        for split in ("Train", "Val"):
            if split == "Train" or (entry / "Val_Folder" / "img").is_dir():
                require_images(entry, split, settings.data_share, settings.seed)


def _is_untouched(folder: Path) -> bool:
    """A run was begun in a folder and killed before it left its first state."""
    weights = any((folder / name).is_file() for name in (WEIGHTS_FILE, ADAPTER_FILE))
    return TRAINING_RUN.is_begun(folder) and not TRAINING_RUN.is_finished(folder) and not weights


def _check_start(config: ModelConfig, settings: TrainingSettings) -> None:
    """Refuse what a model cannot be trained further on."""
    size = config.image.image_size
    if (settings.freeze_towers or not can_grow(config)) and (
        settings.stages[-1][1] != size or (config.image.kind == "vit" and len(settings.stages) > 1)
    ):
        raise MedCLIPSegError(f"The model to start from takes inputs of {size} pixels; give the stages 1:{size}.")
    if config.preprocessing.fit != "stretch":
        raise MedCLIPSegError("The model to start from takes letter-boxed inputs, but training stretches images.")


def can_grow(config: ModelConfig) -> bool:
    """True for models of the bundled architecture: their words and positions are their own."""
    return config.tokenizer == "wordpiece" and config.text.kind == "clip" and config.image.kind == "timm"
