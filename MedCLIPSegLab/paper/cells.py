"""The cells of the paper's tables: one training or one evaluation each, done once and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.json_reading import read_json
from MedCLIPSegLogic.files.replacing import write_json
from MedCLIPSegLogic.files.slugs import slugs
from MedCLIPSegLogic.model.catalog import ADAPTER_FILE, WEIGHTS_FILE
from MedCLIPSegLogic.model.folder import file_hash
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import PromptSheet, find_sheets
from ..evaluation.evaluate import evaluate_sets
from ..metrics import dice_score
from ..training.request import MAY_CHANGE, STATE_FILE, TRAINING_RUN, begun_settings, training_settings
from ..training.settings import TrainingSettings, as_json
from ..training.text_free_unet import TextFreeUNet, load_unet, slice_probability
from ..training.train import train
from ..training.unet_training import train_unet, unet_settings
from .configuration import PaperSettings

BASELINE = "U-Net"
"""Name of the baseline in place of a backbone."""
Report = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done, 0…1."""


@dataclass(frozen=True)
class Training:
    """One training.

    Args:
        backbone: name of the model to start from, or the baseline.
        set_name: trained on.
        share: percent of its training data.
        seed: of everything random.
        start_from: the model; None for from scratch.
    """

    backbone: str
    set_name: str
    share: int
    seed: int
    start_from: str | None = None

    @property
    def folder(self) -> Path:
        """Where it lies below ``models`` and ``scores``."""
        name, set_name = slugs([self.backbone])[0], slugs([self.set_name])[0]
        return Path(name) / f"{set_name}-{self.share}-seed{self.seed}"

    @property
    def title(self) -> str:
        """For the progress bar."""
        return f"{self.backbone} on {self.share} % of {self.set_name}, seed {self.seed}"


def trained_model(config: PaperSettings, training: Training, report: Report) -> Path:
    """Folder of a trained model; trains it, or goes on where it was interrupted.

    Raises:
        MedCLIPSegError: the training failed, or the folder holds one with other settings.
    """
    folder = Path(config.out) / "models" / training.folder
    settings = _settings(config, training)
    seconds: float | None = None
    if training.backbone == BASELINE:
        settings = unet_settings(settings)
        if config.baseline == "seconds":
            seconds = TRAINING_RUN.read(trained_model(config, model_of(config, training), report))["seconds"]
    if is_finished(folder, settings, seconds is not None):
        return folder
    data = Path(config.sets[training.set_name])
    resume = (folder / STATE_FILE).is_file() and TRAINING_RUN.is_begun(folder)
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)

    def progress(step: Any) -> None:
        report(f"training {training.title}", step.step / step.steps)

    if training.backbone == BASELINE:
        train_unet([data], folder, settings, config.unet_channels, resume, progress, seconds)
    else:
        train([data], folder, settings, None if resume else training.start_from, resume, progress)
    return folder


def model_of(config: PaperSettings, training: Training) -> Training:
    """The training whose budget a baseline has."""
    return Training("model", training.set_name, training.share, training.seed, config.start_from)


def _settings(config: PaperSettings, training: Training) -> TrainingSettings:
    changes = {**config.training, "data_share": training.share, "seed": training.seed}
    start = config.start_from if training.backbone == BASELINE else training.start_from
    return training_settings(None, config.recipe, start, None, changes)


def is_finished(folder: Path, settings: TrainingSettings, any_steps: bool) -> bool:
    """True if a folder holds the finished training of these settings.

    Args:
        any_steps: the number of steps was found out by the training itself.

    Raises:
        MedCLIPSegError: it holds a training with other settings.
    """
    if not TRAINING_RUN.is_begun(folder):
        return False
    ignored = MAY_CHANGE | ({"steps", "epochs", "schedule", "validate_every"} if any_steps else set())
    TRAINING_RUN.require_same(folder, as_json(begun_settings(folder)), as_json(settings), ignored)
    return TRAINING_RUN.is_finished(folder)


def measured_dice(config: PaperSettings, training: Training, set_name: str, style: str, report: Report) -> float:
    """Mean Dice (0…1) of a trained model on the Test folder of a set; trains and evaluates what is not there yet.

    Args:
        style: prompt style; the baseline reads none.
    """
    model = trained_model(config, training, report)
    data = Path(config.sets[set_name])
    (sheet,) = find_sheets([data], [style])
    weights = model / (ADAPTER_FILE if (model / ADAPTER_FILE).is_file() else WEIGHTS_FILE)
    key = {
        "weights": file_hash(weights),
        "sheet": file_hash(sheet.path),
        "style": style,
        "samples": config.samples,
        "limit": config.limit,
    }
    scores = Path(config.out) / "scores" / training.folder / slugs([f"{set_name} {style}"])[0]
    known = _known(scores.with_suffix(".json"), key)
    if known is not None:
        return known
    report(f"testing {training.title} on {set_name}, {style}", 0.0)
    if training.backbone == BASELINE:
        dice = _unet_dice(model, sheet, config.limit)
    else:
        result = evaluate_sets(
            model, [data], scores, [style], samples=config.samples, limit=config.limit, overwrite=True
        )
        dice = float(result["dice_mean"])
    scores.parent.mkdir(parents=True, exist_ok=True)
    write_json(scores.with_suffix(".json"), {"dice_mean": dice, "key": key})
    return dice


def _known(path: Path, key: dict[str, Any]) -> float | None:
    """A score of the same weights, prompts, samples and rows."""
    try:
        cell = read_json(path)
        return float(cell["dice_mean"]) if cell["key"] == key else None
    except (MedCLIPSegError, OSError, ValueError, KeyError, TypeError):
        return None


def _unet_dice(folder: Path, sheet: PromptSheet, limit: int | None) -> float:
    """Mean Dice (0…1) of a trained U-Net on the rows of a sheet, each on its image's own grid; prompts are not read."""
    network = load_unet(folder)
    scores = []
    for row in sheet.rows(limit):
        volume = sheet.image(row)
        truth = sheet.truth(row, volume)
        scores.append(dice_score(_unet_mask(network, volume), truth))
    return fmean(scores)


def _unet_mask(network: TextFreeUNet, volume: Volume) -> NDArray[np.bool_]:
    """(K, J, I) mask at 0.5, slice by slice in the default plane."""
    mapping, axis = resolve(default_rule(volume), volume), choose_axis(volume, "auto")
    mask = np.zeros(volume.shape, bool)
    for index in range(axis.count):
        probability = slice_probability(network, mapping.apply(axis.extract(volume.voxels, index)))
        axis.insert(mask, index, probability > 0.5)
    return mask
