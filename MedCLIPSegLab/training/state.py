"""Everything a killed run needs to go on, in one safetensors file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import replacing

STATE_FILE = "state.safetensors"


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
    folder: Path, network: nn.Module, average: nn.Module | None, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Restore what :func:`save_state` wrote.

    Returns:
        The record.

    Raises:
        MedCLIPSegError: there is no state, or it belongs to another model.
    """
    path = folder / STATE_FILE
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads(file.metadata()["record"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no interrupted training in {folder}: it has no {STATE_FILE}.") from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise MedCLIPSegError(f"The training state {path} is damaged: {error}.") from None
    try:
        network.load_state_dict(_part(tensors, "network."))
        if average is not None:
            average.load_state_dict(_part(tensors, "average."))
        entries: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimizer.").items():
            number, key = name.split(".", 1)
            entries.setdefault(int(number), {})[key] = value
        optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
    except (RuntimeError, ValueError) as error:
        raise MedCLIPSegError(f"The training state {path} belongs to another model: {error}.") from None
    return record


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
