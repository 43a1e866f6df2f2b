"""CLIP as transformers names it, under the network's names: attention is fused, linear projections are turned.

Two layouts: ``CLIPModel`` (OpenAI's CLIP, PubMedCLIP), and the port of BiomedCLIP without timm, in which the tuned
weights of MedCLIP-SAMv2 are published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..errors import MedCLIPSegError

MARK = "vision_model.embeddings.patch_embedding.weight"
"""In every file of these layouts, and in no other."""
BIOMEDCLIP_MARK = "text_projection.fc1.weight"
PROJECTIONS = ("q", "k", "v")
"""Queries, keys and values, in the order in which they are fused."""
COUNTERS = re.compile(r"(vision|text)_model\.embeddings\.(position|token_type)_ids")


def is_transformers_layout(keys: Mapping[str, object]) -> bool:
    """True if the keys of a file are named as in transformers."""
    return MARK in keys


def rename(tensors: Mapping[str, Tensor], source: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Give the weights of a file the network's names.

    Keys of another layout keep their names, for the caller to refuse.

    Args:
        tensors: by their names in the file.
        source: file name for messages.

    Returns:
        The weights by the network's names, and the name of every key of the file: empty for what is no weight, one for
        keys that are fused.

    Raises:
        MedCLIPSegError: a part of an attention is missing, or the parts do not fit each other.
    """
    is_biomedclip = BIOMEDCLIP_MARK in tensors
    rules, (pattern, fused) = (BIOMEDCLIP_RULES, BIOMEDCLIP_FUSED) if is_biomedclip else (CLIP_RULES, CLIP_FUSED)
    renamed: dict[str, Tensor] = {}
    names: dict[str, str] = {}
    attentions: dict[str, dict[str, str]] = {}
    for key, tensor in tensors.items():
        if COUNTERS.fullmatch(key):
            names[key] = ""
            continue
        found = re.fullmatch(pattern, key)
        if found:
            names[key] = found.expand(fused)
            attentions.setdefault(names[key], {})[found["projection"]] = key
            continue
        matches = ((re.fullmatch(theirs, key), ours) for theirs, ours in rules)
        names[key] = next((match.expand(ours) for match, ours in matches if match), key)
        if names[key] in renamed:
            raise MedCLIPSegError(f"{source} has two keys for the same weight.")
        renamed[names[key]] = CHANGES[names[key]](tensor) if names[key] in CHANGES else tensor
    for name, keys in attentions.items():
        renamed[name] = _fuse(name, keys, tensors, source)
    return renamed, names


def _fuse(name: str, keys: Mapping[str, str], tensors: Mapping[str, Tensor], source: str) -> Tensor:
    example = next(iter(keys.values()))
    for projection in PROJECTIONS:
        if projection not in keys:
            missing = re.sub(r"self_attn\.[qkv]_proj", f"self_attn.{projection}_proj", example)
            raise MedCLIPSegError(f"{source} does not fit: {missing} is missing.")
    parts = [tensors[keys[projection]] for projection in PROJECTIONS]
    if len({part.shape for part in parts}) > 1 or parts[0].ndim == 0:
        raise MedCLIPSegError(f"{source} does not fit: the parts of {name} have different shapes.")
    return torch.cat(parts)


def _turned(tensor: Tensor) -> Tensor:
    """A weight of a linear layer as the matrix tokens are multiplied with."""
    return tensor.T.contiguous() if tensor.ndim == 2 else tensor


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "vision_model.trunk.cls_token": lambda tensor: tensor[None, None],
    "vision_model.trunk.pos_embed": lambda tensor: tensor[None],
    "vision_model.proj": _turned,
    "text_model.text_projection": _turned,
}
"""What keeps its values but not its shape; timm has leading axes of length one."""

_PART = r"\.(weight|bias)"
_VISION = r"vision_model\.encoder\.layers\.(\d+)\."
_TEXT = r"text_model\.encoder\.layers\.(\d+)\."
_BLOCK = r"vision_model.trunk.blocks.\1."
_LAYER = r"text_model.transformer.encoder.layer.\1."
_EMBEDDINGS = r"text_model\.embeddings\."
_BERT_EMBEDDINGS = "text_model.transformer.embeddings."

_PROJECTION = r"self_attn\.(?P<projection>[qkv])_proj" + _PART

BIOMEDCLIP_FUSED = (_VISION + _PROJECTION, r"vision_model.trunk.blocks.\1.attn.qkv.\3")
"""The parts of an attention that are fused, and their common name; BERT's stay in three."""
BIOMEDCLIP_RULES: tuple[tuple[str, str], ...] = (
    (r"vision_model\.embeddings\.class_embedding", "vision_model.trunk.cls_token"),
    (r"vision_model\.embeddings\.position_embedding\.weight", "vision_model.trunk.pos_embed"),
    (r"vision_model\.embeddings\.patch_embedding" + _PART, r"vision_model.trunk.patch_embed.proj.\1"),
    (_VISION + r"layer_norm([12])" + _PART, _BLOCK + r"norm\2.\3"),
    (_VISION + r"self_attn\.out_proj" + _PART, _BLOCK + r"attn.proj.\2"),
    (_VISION + r"mlp\.(fc[12])" + _PART, _BLOCK + r"mlp.\2.\3"),
    (r"vision_model\.post_layernorm" + _PART, r"vision_model.trunk.norm.\1"),
    (r"visual_projection" + _PART, r"vision_model.head.proj.\1"),
    (_EMBEDDINGS + r"token_embedding\.weight", _BERT_EMBEDDINGS + "word_embeddings.weight"),
    (_EMBEDDINGS + r"position_embedding\.weight", _BERT_EMBEDDINGS + "position_embeddings.weight"),
    (_EMBEDDINGS + r"token_type_embedding\.weight", _BERT_EMBEDDINGS + "token_type_embeddings.weight"),
    (_EMBEDDINGS + r"layer_norm" + _PART, _BERT_EMBEDDINGS + r"LayerNorm.\1"),
    (_TEXT + r"self_attn\.q_proj" + _PART, _LAYER + r"attention.self.query.\2"),
    (_TEXT + r"self_attn\.k_proj" + _PART, _LAYER + r"attention.self.key.\2"),
    (_TEXT + r"self_attn\.v_proj" + _PART, _LAYER + r"attention.self.value.\2"),
    (_TEXT + r"self_attn\.out_proj" + _PART, _LAYER + r"attention.output.dense.\2"),
    (_TEXT + r"layer_norm1" + _PART, _LAYER + r"attention.output.LayerNorm.\2"),
    (_TEXT + r"mlp\.fc1" + _PART, _LAYER + r"intermediate.dense.\2"),
    (_TEXT + r"mlp\.fc2" + _PART, _LAYER + r"output.dense.\2"),
    (_TEXT + r"layer_norm2" + _PART, _LAYER + r"output.LayerNorm.\2"),
    (r"text_projection\.fc1\.weight", "text_model.proj.0.weight"),
    (r"text_projection\.fc2\.weight", "text_model.proj.2.weight"),
)

_EITHER = r"(vision|text)_model\.encoder\.layers\.(\d+)\."
_RESBLOCK = r"\1_model.transformer.resblocks.\2."

CLIP_FUSED = (_EITHER + _PROJECTION, r"\1_model.transformer.resblocks.\2.attn.in_proj_\4")
CLIP_RULES: tuple[tuple[str, str], ...] = (
    (r"vision_model\.embeddings\.class_embedding", "vision_model.class_embedding"),
    (r"vision_model\.embeddings\.position_embedding\.weight", "vision_model.positional_embedding"),
    (r"vision_model\.embeddings\.patch_embedding\.weight", "vision_model.conv1.weight"),
    (r"vision_model\.pre_layrnorm" + _PART, r"vision_model.ln_pre.\1"),
    (r"vision_model\.post_layernorm" + _PART, r"vision_model.ln_post.\1"),
    (r"visual_projection\.weight", "vision_model.proj"),
    (_EITHER + r"layer_norm([12])" + _PART, _RESBLOCK + r"ln_\3.\4"),
    (_EITHER + r"self_attn\.out_proj" + _PART, _RESBLOCK + r"attn.out_proj.\3"),
    (_EITHER + r"mlp\.fc1" + _PART, _RESBLOCK + r"mlp.c_fc.\3"),
    (_EITHER + r"mlp\.fc2" + _PART, _RESBLOCK + r"mlp.c_proj.\3"),
    (_EMBEDDINGS + r"token_embedding\.weight", "text_model.token_embedding.weight"),
    (_EMBEDDINGS + r"position_embedding\.weight", "text_model.positional_embedding"),
    (r"text_model\.final_layer_norm" + _PART, r"text_model.ln_final.\1"),
    (r"text_projection\.weight", "text_model.text_projection"),
)
