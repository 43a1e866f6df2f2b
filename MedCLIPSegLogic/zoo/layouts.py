"""Published layouts of weights: which key is which weight of the network, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ..errors import MedCLIPSegError, quoted
from ..model.checkpoint import expected_shapes, is_finite
from ..model.config import ModelConfig
from ..model.folder import is_adapter
from .transformers_layout import is_transformers_layout, rename

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
        renamed, names = rename(tensors, source)
    else:
        names = {key: key if has_adapter else _network_name(key) for key in tensors}
        if len(set(names.values())) < len(names):
            raise MedCLIPSegError(f"{source} has two keys for the same weight.")
        renamed = {names[key]: tensor for key, tensor in tensors.items()}
    flavor = _flavor(renamed, source)
    config = flavors[flavor]
    wanted = {n: s for n, s in expected_shapes(config).items() if has_adapter or not is_adapter(n)}
    if not has_adapter:
        names = {key: "" if name in NO_WEIGHTS and name not in wanted else name for key, name in names.items()}
    found = {name: renamed[name] for name in names.values() if name}
    weights = checked_weights(found, names, wanted, source, flavor)
    return MappedWeights(config, weights, has_adapter, report_keys(tensors, names))


def checked_weights(
    found: Mapping[str, Tensor], names: Mapping[str, str], wanted: Mapping[str, tuple[int, ...]], source: str, kind: str
) -> dict[str, Tensor]:
    """Weights in float32 that fit a network.

    Args:
        found: by the network's names.
        names: by the keys of the file.
        wanted: shapes by the network's names.
        source: file name for messages.
        kind: of the network, for messages.

    Raises:
        MedCLIPSegError: a key is missing, unexpected, wrongly shaped or not finite; named.
    """
    keys = {name: quoted(name) for name in found} | {name: quoted(key) for key, name in names.items()}
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [f"{keys[name]} is unexpected" for name in found if name not in wanted]
    for name, tensor in found.items():
        if name in wanted and tuple(tensor.shape) != wanted[name]:
            wrong.append(f"{keys[name]} should be {wanted[name]} but is {quoted(tuple(tensor.shape))}")
    if wrong:
        more = len(wrong) - NAMED_DIFFERENCES
        tail = f"; and {more} more differences" if more > 0 else ""
        raise MedCLIPSegError(f"{source} ({kind}) does not fit: {'; '.join(wrong[:NAMED_DIFFERENCES])}{tail}.")
    for name, tensor in found.items():
        if not tensor.is_floating_point():
            raise MedCLIPSegError(f"{source} is damaged: {keys[name]} has integers for weights.")
        if not is_finite(tensor):
            raise MedCLIPSegError(f"{source} is damaged: {keys[name]} has values that are no numbers.")
    return {name: tensor.float() for name, tensor in found.items()}


def report_keys(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> list[KeyReport]:
    """What became of every key of a file."""
    report = []
    for key, name in names.items():
        part = "left out" if not name else "adapter" if is_adapter(name) else "backbone"
        shape, dtype = tuple(tensors[key].shape), str(tensors[key].dtype).removeprefix("torch.")
        report.append(KeyReport(key, name, part, shape, dtype))
    return report


def _network_name(key: str) -> str:
    for prefix, ours in TOWER_PREFIXES.items():
        if key.startswith(prefix):
            return ours + key.removeprefix(prefix)
    return f"text_model.{key}" if key.startswith(CLIP_TEXT_PARTS) else key


def _flavor(tensors: Mapping[str, Tensor], source: str) -> str:
    if not tensors:
        raise MedCLIPSegError(f"{source} holds no weights.")
    if not any(name.startswith("vision_model.") for name in tensors):
        raise MedCLIPSegError(
            f"{source} is no MedCLIPSeg or CLIP checkpoint: it has no image tower among its {len(tensors)} keys, the "
            f"first of which is '{quoted(next(iter(tensors)))}'."
        )
    if any(name.startswith("vision_model.trunk.") for name in tensors):
        return "biomedclip"
    if any(name.startswith("text_model.transformer.embeddings.") for name in tensors):
        return "unimedclip"
    kernel = tensors.get("vision_model.conv1.weight")
    return "pubmedclip" if kernel is not None and kernel.ndim == 4 and kernel.shape[-1] == 32 else "clip"
