"""Weights on disk: safetensors beside a JSON configuration. Pickled files are never read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..atomic_file import replacing, write_text
from ..errors import MedCLIPSegError
from .catalog import CONFIG_FILE, WEIGHTS_FILE
from .config import ModelConfig
from .network import MedCLIPSeg


def save_checkpoint(network: MedCLIPSeg, folder: Path, half: bool = False) -> None:
    """Write ``model.safetensors`` and ``config.json``.

    Args:
        network: the network to save.
        folder: existing folder.
        half: store floating-point values as float16.

    Raises:
        MedCLIPSegError: a file cannot be written; earlier weights in the folder are kept.
    """
    tensors = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    with replacing(folder / WEIGHTS_FILE) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
    save_config(network.config, folder)


def save_config(config: ModelConfig, folder: Path) -> None:
    """Write ``config.json``."""
    write_text(folder / CONFIG_FILE, config.to_json())


def read_config(folder: Path) -> ModelConfig:
    """Read ``config.json`` of a model folder.

    Raises:
        MedCLIPSegError: the file is missing or does not describe a model.
    """
    path = folder / CONFIG_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MedCLIPSegError(f"{folder} is not a model folder: it has no {CONFIG_FILE}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MedCLIPSegError(f"{path} cannot be read: {error}.") from None
    return ModelConfig.from_json(text, str(path))


def load_checkpoint(folder: Path) -> MedCLIPSeg:
    """Build the network of a model folder and load its weights as float32, in evaluation mode.

    Shapes are compared before memory is taken.

    Raises:
        MedCLIPSegError: a file is missing, truncated or foreign, or the weights do not fit the configuration.
    """
    config = read_config(folder)
    path = folder / WEIGHTS_FILE
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            _check_shapes(config, shapes, path)
            tensors = {name: file.get_tensor(name) for name in shapes}
    except FileNotFoundError:
        raise MedCLIPSegError(f"{folder} is not a model folder: it has no {WEIGHTS_FILE}.") from None
    except (SafetensorError, OSError) as error:
        raise MedCLIPSegError(f"The weights {path} are damaged or not in safetensors format ({error}).") from None
    network = MedCLIPSeg(config)
    network.load_state_dict({n: t.float() if t.is_floating_point() else t for n, t in tensors.items()})
    return network.eval()


def _check_shapes(config: ModelConfig, shapes: dict[str, tuple[int, ...]], path: Path) -> None:
    try:
        with torch.device("meta"):
            wanted = {name: tuple(tensor.shape) for name, tensor in MedCLIPSeg(config).state_dict().items()}
    except (RuntimeError, ValueError, OverflowError, MemoryError) as error:
        raise MedCLIPSegError(f"The sizes in {CONFIG_FILE} beside {path} describe no network: {error}.") from None
    for name in sorted(wanted.keys() | shapes.keys()):
        if wanted.get(name) != shapes.get(name):
            expected, found = (str(s.get(name, "nothing")) for s in (wanted, shapes))
            raise MedCLIPSegError(
                f"The weights {path} do not fit {CONFIG_FILE}: {name} should be {expected} but is {found}."
            )


def file_hash(path: Path) -> str:
    """SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
