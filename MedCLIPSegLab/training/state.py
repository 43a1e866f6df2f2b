"""What a run leaves behind: weights (the model itself, and the others of average, latest and best) and its state.

The state is everything a killed run needs to go on, in one safetensors file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.replacing import replacing, write_bytes
from MedCLIPSegLogic.model.catalog import ADAPTER_FILE, BYTE_PAIRS_FILE, VOCABULARY_FILE, WEIGHTS_FILE
from MedCLIPSegLogic.model.checkpoint import save_weights
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.folder import is_adapter, save_backbone_link, save_config

from .request import STATE_FILE

Kind = Literal["average", "latest", "best"]
States = dict[str, Tensor]
"""Weights by name."""
SaveWeights = Callable[[States, Path], None]
"""Writes weights, in half precision, as a model into an existing folder."""


def save_state(
    folder: Path,
    network: nn.Module,
    average: nn.Module | None,
    optimizer: torch.optim.Optimizer,
    record: dict[str, Any],
) -> None:
    """Write network, averaged network and optimizer; ``record`` (JSON-ready) goes into the file's metadata."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for number, entry in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in entry.items()}
    copies = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    with replacing(folder / STATE_FILE) as temporary:
        save_file(copies, temporary, {"record": json.dumps(record)})


def load_state(
    folder: Path,
    network: nn.Module,
    average: nn.Module | None,
    optimizer: torch.optim.Optimizer,
    parts: Mapping[str, type],
) -> dict[str, Any]:
    """Restore what :func:`save_state` wrote.

    Args:
        folder: of the run.
        network, average, optimizer: to restore; without ``average`` that of the file is left out.
        parts: what the record must hold, by name.

    Returns:
        The record.

    Raises:
        MedCLIPSegError: there is no state, or it belongs to another model.
    """
    path = folder / STATE_FILE
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads(file.metadata()["record"])
            missing = next((name for name, kind in parts.items() if not isinstance(record[name], kind)), None)
            if missing is not None or not all(isinstance(row, dict) for row in record.get("rows", ())):
                raise ValueError(f"its record holds no {missing or 'rows'}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no interrupted training in {folder}: it has no {STATE_FILE}.") from None
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise MedCLIPSegError(f"The training state {path} is damaged: {quoted(error)}.") from None
    try:
        network.load_state_dict(_part(tensors, "network."))
        if average is not None:
            average.load_state_dict(_part(tensors, "average."))
        entries: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimizer.").items():
            number, key = name.split(".", 1)
            entries.setdefault(int(number), {})[key] = value
        optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
    except (RuntimeError, ValueError, KeyError) as error:
        raise MedCLIPSegError(f"The training state {path} belongs to another model: {quoted(error)}.") from None
    return record


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


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
            write_bytes(target / name, (source / name).read_bytes())
