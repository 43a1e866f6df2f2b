"""Published layouts of weights: which key is which weight of the network, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import MedCLIPSegError
from ..model.checkpoint import expected_shapes, is_adapter
from ..model.config import ModelConfig
from .transformers_layout import Renamed, is_transformers_layout, rename

TOWER_PREFIXES = {"visual.": "vision_model.", "text.": "text_model.", "text_encoder.": "text_model."}
"""open_clip's ``CustomTextCLIP`` and UniMed-CLIP's variant of it."""
CLIP_TEXT_PARTS = ("transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection")
"""OpenAI's CLIP keeps the text tower at the top level."""
NO_WEIGHTS = {
    "text_model.transformer.embeddings.position_ids",
    "input_resolution",
    "context_length",
    "vocab_size",
}
"""Counters and sizes that some CLIP files hold beside the weights."""
NAMED_DIFFERENCES = 4


@dataclass(frozen=True)
class KeyReport:
    """What became of one key of a file.

    Args:
        key: its name in the file.
        weight: its name in the network; empty when it is no weight.
        part: "backbone", "adapter" or "left out".
        shape: its shape.
        dtype: its type in the file.
    """

    key: str
    weight: str
    part: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class MappedWeights:
    """Weights of a file under the network's names.

    Args:
        config: the network they make.
        tensors: float32, by name; without adapters when the file is a backbone.
        has_adapter: a whole MedCLIPSeg model rather than CLIP towers.
        report: one line a key, in the order of the file.
    """

    config: ModelConfig
    tensors: dict[str, Tensor]
    has_adapter: bool
    report: list[KeyReport]


def map_weights(tensors: Mapping[str, Tensor], flavors: Mapping[str, ModelConfig], source: str) -> MappedWeights:
    """Find the flavor of a file's weights and give each its name in the network.

    MedCLIPSeg's own checkpoints have the network's names already. CLIP checkpoints of open_clip, UniMed-CLIP, OpenAI
    and transformers are renamed; they have no adapters.

    Args:
        tensors: by their names in the file.
        flavors: the networks that can be meant.
        source: file name for messages.

    Raises:
        MedCLIPSegError: no flavor has such keys, or one is missing, unexpected, wrongly shaped or not finite; named.
    """
    has_adapter = any(is_adapter(key) for key in tensors)
    if not has_adapter and is_transformers_layout(tensors):
        renamed = rename(tensors, source)
    else:
        names = {key: key if has_adapter else _network_name(key) for key in tensors}
        if len(set(names.values())) < len(names):
            raise MedCLIPSegError(f"{source} has two keys for the same weight.")
        renamed = Renamed({names[key]: tensor for key, tensor in tensors.items()}, names)
    names = renamed.names
    flavor = _flavor(renamed.tensors, source)
    config = flavors[flavor]
    wanted = {n: s for n, s in expected_shapes(config).items() if has_adapter or not is_adapter(n)}
    if not has_adapter:
        names = {key: "" if name in NO_WEIGHTS and name not in wanted else name for key, name in names.items()}
    found = {name: renamed.tensors[name] for name in names.values() if name}
    keys = {name: key for key, name in names.items()}
    compare_shapes(wanted, {name: (keys[name], tensor) for name, tensor in found.items()}, f"{source} ({flavor})")
    report = []
    for key, name in names.items():
        tensor = tensors[key]
        part = "left out" if not name else "adapter" if is_adapter(name) else "backbone"
        report.append(KeyReport(key, name, part, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")))
    weights = {}
    for name, tensor in found.items():
        if not tensor.is_floating_point():
            raise MedCLIPSegError(f"{source} is damaged: {keys[name]} has integers for weights.")
        weights[name] = tensor.float()
        if not torch.isfinite(weights[name]).all():
            raise MedCLIPSegError(f"{source} is damaged: {keys[name]} has values that are no numbers.")
    return MappedWeights(config, weights, has_adapter, report)


def _network_name(key: str) -> str:
    for prefix, ours in TOWER_PREFIXES.items():
        if key.startswith(prefix):
            return ours + key.removeprefix(prefix)
    return f"text_model.{key}" if key.startswith(CLIP_TEXT_PARTS) else key


def _flavor(tensors: Mapping[str, Tensor], source: str) -> str:
    if not any(name.startswith("vision_model.") for name in tensors):
        raise MedCLIPSegError(
            f"{source} is no MedCLIPSeg or CLIP checkpoint: it has no image tower among its {len(tensors)} keys, the "
            f"first of which is '{next(iter(tensors))[:80]}'."
        )
    if any(name.startswith("vision_model.trunk.") for name in tensors):
        return "biomedclip"
    if any(name.startswith("text_model.transformer.embeddings.") for name in tensors):
        return "unimedclip"
    kernel = tensors.get("vision_model.conv1.weight")
    return "pubmedclip" if kernel is not None and kernel.ndim == 4 and kernel.shape[-1] == 32 else "clip"


def compare_shapes(wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[str, Tensor]], source: str) -> None:
    """Say which keys are missing, unexpected or wrongly shaped.

    Args:
        wanted: shapes by the network's names.
        found: keys of the file and tensors by the network's names.
        source: for the message.

    Raises:
        MedCLIPSegError: naming the first few.
    """
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [f"{key} is unexpected" for name, (key, _) in found.items() if name not in wanted]
    for name, (key, tensor) in found.items():
        if name in wanted and tuple(tensor.shape) != wanted[name]:
            wrong.append(f"{key} should be {wanted[name]} but is {tuple(tensor.shape)}")
    if wrong:
        more = len(wrong) - NAMED_DIFFERENCES
        tail = f"; and {more} more differences" if more > 0 else ""
        raise MedCLIPSegError(f"{source} does not fit: {'; '.join(wrong[:NAMED_DIFFERENCES])}{tail}.")
