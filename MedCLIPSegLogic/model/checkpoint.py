"""Weights on disk: safetensors beside a JSON configuration. Pickled files are never read here."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import MedCLIPSegError, quoted
from ..files.replacing import replacing
from .catalog import ADAPTER_FILE, CONFIG_FILE, WEIGHTS_FILE
from .config import ModelConfig
from .folder import find_backbone, is_adapter, is_backbone_alone, read_backbone_link, read_config
from .network import MedCLIPSeg
from .store import MAX_WEIGHTS_BYTES, backbone_file, own_file

FLOAT_TYPES, COUNTER_TYPES = ("F32", "F16", "BF16"), ("I64",)
"""Of weights in safetensors files."""
COUNTER = ".num_batches_tracked"
"""Counts steps of training; all other weights are no whole numbers."""


def save_weights(tensors: Mapping[str, Tensor], path: Path, half: bool = False) -> None:
    """Write a safetensors file, whole or not at all.

    Args:
        tensors: weights by name.
        path: file to write.
        half: store floating-point values as float16.
    """
    stored = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in tensors.items()
    }
    with replacing(path) as temporary:
        save_file(stored, temporary, metadata={"format": "pt"})


def load_checkpoint(folder: Path) -> MedCLIPSeg:
    """Build the network of a model folder and load its weights as float32, in evaluation mode.

    Shapes are compared before memory is taken.

    Raises:
        MedCLIPSegError: a file is missing, truncated or foreign, the weights do not fit the configuration, or the model
            is a backbone alone.
    """
    _require_adapter(folder)
    return load_to_train(folder)


def load_to_train(folder: Path) -> MedCLIPSeg:
    """As :func:`load_checkpoint`, but a backbone alone gets new adapters and heads instead of being refused."""
    config, tensors = _read_weights(folder)
    network = MedCLIPSeg(config)
    network.load_state_dict(tensors, strict=not is_backbone_alone(folder))
    return network.eval()


def read_state(folder: Path) -> dict[str, Tensor]:
    """All weights of a model folder as float32, in the order of the network, without building it.

    Raises:
        MedCLIPSegError: as :func:`load_checkpoint`.
    """
    _require_adapter(folder)
    return _read_weights(folder)[1]


def _require_adapter(folder: Path) -> None:
    if is_backbone_alone(folder):
        raise MedCLIPSegError(
            f"'{folder.name}' is a backbone without trained adapters and cannot segment; train on it with "
            f"medclipseg train --start-from {folder.name} --freeze-towers."
        )


def _read_weights(folder: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    config = read_config(folder)
    wanted = expected_shapes(config)
    sha256 = read_backbone_link(folder)
    if sha256 is None:
        tensors = read_weights(weights_file(folder, WEIGHTS_FILE), wanted)
    else:
        backbone = find_backbone(folder, sha256)
        if backbone is None:
            raise MedCLIPSegError(
                f"The model {folder} needs the {config.flavor} backbone {sha256[:12]}…, which is not in "
                f"{backbone_file(sha256).parent}; download or import a model with this backbone again."
            )
        tensors = read_weights(
            own_file(backbone.parent, backbone.name, MAX_WEIGHTS_BYTES),
            {name: shape for name, shape in wanted.items() if not is_adapter(name)},
        )
        if not is_backbone_alone(folder):
            trained = {name: shape for name, shape in wanted.items() if is_adapter(name)}
            tensors |= read_weights(weights_file(folder, ADAPTER_FILE), trained)
    ordered = {name: tensors[name] for name in wanted if name in tensors}
    return config, {n: t.float() if t.is_floating_point() else t for n, t in ordered.items()}


def expected_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of a network, without taking memory for it.

    Raises:
        MedCLIPSegError: the sizes describe no network.
    """
    try:
        with torch.device("meta"):
            return {name: tuple(tensor.shape) for name, tensor in MedCLIPSeg(config).state_dict().items()}
    except (RuntimeError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise MedCLIPSegError(f"The sizes in {CONFIG_FILE} describe no network: {quoted(error)}.") from None


def weights_file(folder: Path, name: str) -> Path:
    """A file of weights of a model folder.

    Raises:
        MedCLIPSegError: there is none, it leads elsewhere, or is too large.
    """
    try:
        return own_file(folder, name, MAX_WEIGHTS_BYTES)
    except FileNotFoundError:
        raise MedCLIPSegError(f"{folder} is not a model folder: it has no {name}.") from None


def read_weights(
    path: Path, wanted: Mapping[str, tuple[int, ...]], synonyms: Collection[str] = ()
) -> dict[str, Tensor]:
    """The tensors of a safetensors file, as they are there; shapes are compared before memory is taken.

    Args:
        path: of the file.
        wanted: shapes by name.
        synonyms: names of one weight, of which some may be missing.

    Raises:
        MedCLIPSegError: it is damaged, or a weight is missing, unexpected, of another shape or type, or not finite.
    """
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {name: tuple(slice.get_shape()) for name, slice in slices.items()}
            for name in sorted(wanted.keys() | shapes.keys()):
                if name in synonyms and name not in shapes and not shapes.keys().isdisjoint(synonyms):
                    continue
                if wanted.get(name) != shapes.get(name):
                    expected, found = (quoted(s.get(name, "nothing")) for s in (wanted, shapes))
                    raise MedCLIPSegError(
                        f"The weights {path} do not fit {CONFIG_FILE}: {quoted(name)} should be {expected} but is "
                        f"{found}."
                    )
            for name, slice in slices.items():
                if (kind := slice.get_dtype()) not in (COUNTER_TYPES if name.endswith(COUNTER) else FLOAT_TYPES):
                    raise MedCLIPSegError(f"The weights {path} are damaged: {name} is of type {quoted(kind)}.")
            tensors = {name: file.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError) as error:
        raise MedCLIPSegError(
            f"The weights {path} are damaged or not in safetensors format ({quoted(error)})."
        ) from None
    for name, tensor in tensors.items():
        if not is_finite(tensor):
            raise MedCLIPSegError(f"The weights {path} are damaged: {name} has values that are no numbers.")
    return tensors


def is_finite(tensor: Tensor) -> bool:
    """True if all values are numbers; takes no memory."""
    return tensor.numel() == 0 or all(math.isfinite(end) for end in tensor.aminmax())
