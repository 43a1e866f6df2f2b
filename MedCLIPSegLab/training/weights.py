"""The weights a run leaves behind: the model itself, and the others of average, latest and best."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from torch import Tensor

from MedCLIPSegLogic.model.catalog import ADAPTER_FILE, BYTE_PAIRS_FILE, VOCABULARY_FILE, WEIGHTS_FILE
from MedCLIPSegLogic.model.checkpoint import is_adapter, save_backbone_link, save_config, save_weights
from MedCLIPSegLogic.model.config import ModelConfig

Kind = Literal["average", "latest", "best"]
States = dict[str, Tensor]
"""Weights by name."""
SaveWeights = Callable[[States, Path], None]
"""Writes weights, in half precision, as a model into an existing folder."""


def save_kept_weights(
    folder: Path, keep: Kind, latest: States, average: States | None, is_best: bool, save: SaveWeights
) -> None:
    """Write the model folder and, as folders of the same form inside it, the weights that are not kept.

    Args:
        folder: of the run.
        keep: kind that becomes the model.
        latest: weights of the last step.
        average: running average; None when there is none.
        is_best: the validation just done is the best so far, or there is none.
        save: makes a model folder of weights.

    Raises:
        OSError: a file cannot be written; earlier weights are kept.
    """
    kinds: dict[Kind, States] = {"latest": latest}
    if average is not None:
        kinds["average"] = average
    if is_best:
        kinds["best"] = average if average is not None else latest
    for kind, states in kinds.items():
        target = folder if kind == keep else folder / kind
        target.mkdir(exist_ok=True)
        save(states, target)


def model_writer(folder: Path, config: ModelConfig, backbone: str | None) -> SaveWeights:
    """What makes a model folder of weights of a network.

    Args:
        folder: of the run, which has the vocabulary.
        config: of the network.
        backbone: SHA-256 of the shared backbone of frozen towers, which are not written then; None writes all weights.
    """

    def save(states: States, target: Path) -> None:
        if target != folder:
            copy_vocabulary(folder, target)
        if backbone is None:
            save_weights(states, target / WEIGHTS_FILE, half=True)
        else:
            trained = {name: tensor for name, tensor in states.items() if is_adapter(name)}
            save_weights(trained, target / ADAPTER_FILE, half=True)
            save_backbone_link(backbone, target)
        save_config(config, target)

    return save


def copy_vocabulary(source: Path, target: Path) -> None:
    """Copy the tokenizer's files of a model folder."""
    for name in (VOCABULARY_FILE, BYTE_PAIRS_FILE):
        if (source / name).is_file():
            (target / name).write_bytes((source / name).read_bytes())
