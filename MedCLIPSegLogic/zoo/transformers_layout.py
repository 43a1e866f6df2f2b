"""CLIP as transformers names it, under the network's names: attention is fused, linear projections are turned.

Two layouts: ``CLIPModel`` (OpenAI's CLIP, PubMedCLIP), and the port of BiomedCLIP without timm, in which the tuned
weights of MedCLIP-SAMv2 are published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import MedCLIPSegError

MARK = "vision_model.embeddings.patch_embedding.weight"
"""In every file of these layouts, and in no other."""
BIOMEDCLIP_MARK = "text_projection.fc1.weight"
PROJECTIONS = ("q", "k", "v")
"""Queries, keys and values, in the order in which they are fused."""
COUNTERS = re.compile(r"(vision|text)_model\.embeddings\.(position|token_type)_ids")
Change = Callable[[Tensor], Tensor]
Rule = tuple[str, str, Change]


@dataclass(frozen=True, eq=False)
class Renamed:
    """Weights under the network's names.

    Args:
        tensors: by name.
        names: name of every key of the file; empty for what is no weight. Keys that are fused share one.
    """

    tensors: dict[str, Tensor]
    names: dict[str, str]


def is_transformers_layout(keys: Mapping[str, object]) -> bool:
    """True if the keys of a file are named as in transformers."""
    return MARK in keys


def rename(tensors: Mapping[str, Tensor], source: str) -> Renamed:
    """Give the weights of a file the network's names.

    Keys of another layout keep their names, for the caller to refuse.

    Args:
        tensors: by their names in the file.
        source: file name for messages.

    Raises:
        MedCLIPSegError: a part of an attention is missing, or the parts do not fit each other.
    """
    is_biomedclip = BIOMEDCLIP_MARK in tensors
    rules, attention = (BIOMEDCLIP_RULES, _biomedclip_attention) if is_biomedclip else (CLIP_RULES, _clip_attention)
    renamed: dict[str, Tensor] = {}
    names: dict[str, str] = {}
    attentions: dict[str, dict[str, str]] = {}
    for key, tensor in tensors.items():
        if COUNTERS.fullmatch(key):
            names[key] = ""
            continue
        found = attention(key)
        if found is not None:
            names[key], projection = found
            attentions.setdefault(names[key], {})[projection] = key
            continue
        names[key], change = _apply(rules, key)
        if names[key] in renamed:
            raise MedCLIPSegError(f"{source} has two keys for the same weight.")
        renamed[names[key]] = change(tensor)
    for name, keys in attentions.items():
        renamed[name] = _fuse(name, keys, tensors, source)
    return Renamed(renamed, names)


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


def _apply(rules: tuple[Rule, ...], key: str) -> tuple[str, Change]:
    for pattern, name, change in rules:
        match = re.fullmatch(pattern, key)
        if match:
            return match.expand(name), change
    return key, _same


def _biomedclip_attention(key: str) -> tuple[str, str] | None:
    """Fused name and projection of a part of the image tower's attention; BERT's stays in three."""
    match = re.fullmatch(r"vision_model\.encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)", key)
    return match and (f"vision_model.trunk.blocks.{match[1]}.attn.qkv.{match[3]}", match[2])


def _clip_attention(key: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"(\w+)_model\.encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)", key)
    return match and (f"{match[1]}_model.transformer.resblocks.{match[2]}.attn.in_proj_{match[4]}", match[3])


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _turned(tensor: Tensor) -> Tensor:
    """A weight of a linear layer as the matrix tokens are multiplied with."""
    return tensor.T.contiguous() if tensor.ndim == 2 else tensor


def _with_axes(count: int) -> Change:
    """Leading axes of length one, as timm keeps them."""
    return lambda tensor: tensor[(None,) * count]


_PART = r"\.(weight|bias)"
_VISION = r"vision_model\.encoder\.layers\.(\d+)\."
_TEXT = r"text_model\.encoder\.layers\.(\d+)\."
_BLOCK = r"vision_model.trunk.blocks.\1."
_LAYER = r"text_model.transformer.encoder.layer.\1."
_EMBEDDINGS = r"text_model\.embeddings\."
_BERT_EMBEDDINGS = "text_model.transformer.embeddings."

BIOMEDCLIP_RULES: tuple[Rule, ...] = (
    (r"vision_model\.embeddings\.class_embedding", "vision_model.trunk.cls_token", _with_axes(2)),
    (r"vision_model\.embeddings\.position_embedding\.weight", "vision_model.trunk.pos_embed", _with_axes(1)),
    (r"vision_model\.embeddings\.patch_embedding" + _PART, r"vision_model.trunk.patch_embed.proj.\1", _same),
    (_VISION + r"layer_norm([12])" + _PART, _BLOCK + r"norm\2.\3", _same),
    (_VISION + r"self_attn\.out_proj" + _PART, _BLOCK + r"attn.proj.\2", _same),
    (_VISION + r"mlp\.(fc[12])" + _PART, _BLOCK + r"mlp.\2.\3", _same),
    (r"vision_model\.post_layernorm" + _PART, r"vision_model.trunk.norm.\1", _same),
    (r"visual_projection" + _PART, r"vision_model.head.proj.\1", _same),
    (_EMBEDDINGS + r"token_embedding\.weight", _BERT_EMBEDDINGS + "word_embeddings.weight", _same),
    (_EMBEDDINGS + r"position_embedding\.weight", _BERT_EMBEDDINGS + "position_embeddings.weight", _same),
    (_EMBEDDINGS + r"token_type_embedding\.weight", _BERT_EMBEDDINGS + "token_type_embeddings.weight", _same),
    (_EMBEDDINGS + r"layer_norm" + _PART, _BERT_EMBEDDINGS + r"LayerNorm.\1", _same),
    (_TEXT + r"self_attn\.q_proj" + _PART, _LAYER + r"attention.self.query.\2", _same),
    (_TEXT + r"self_attn\.k_proj" + _PART, _LAYER + r"attention.self.key.\2", _same),
    (_TEXT + r"self_attn\.v_proj" + _PART, _LAYER + r"attention.self.value.\2", _same),
    (_TEXT + r"self_attn\.out_proj" + _PART, _LAYER + r"attention.output.dense.\2", _same),
    (_TEXT + r"layer_norm1" + _PART, _LAYER + r"attention.output.LayerNorm.\2", _same),
    (_TEXT + r"mlp\.fc1" + _PART, _LAYER + r"intermediate.dense.\2", _same),
    (_TEXT + r"mlp\.fc2" + _PART, _LAYER + r"output.dense.\2", _same),
    (_TEXT + r"layer_norm2" + _PART, _LAYER + r"output.LayerNorm.\2", _same),
    (r"text_projection\.fc1\.weight", "text_model.proj.0.weight", _same),
    (r"text_projection\.fc2\.weight", "text_model.proj.2.weight", _same),
)

_EITHER = r"(vision|text)_model\.encoder\.layers\.(\d+)\."
_RESBLOCK = r"\1_model.transformer.resblocks.\2."

CLIP_RULES: tuple[Rule, ...] = (
    (r"vision_model\.embeddings\.class_embedding", "vision_model.class_embedding", _same),
    (r"vision_model\.embeddings\.position_embedding\.weight", "vision_model.positional_embedding", _same),
    (r"vision_model\.embeddings\.patch_embedding\.weight", "vision_model.conv1.weight", _same),
    (r"vision_model\.pre_layrnorm" + _PART, r"vision_model.ln_pre.\1", _same),
    (r"vision_model\.post_layernorm" + _PART, r"vision_model.ln_post.\1", _same),
    (r"visual_projection\.weight", "vision_model.proj", _turned),
    (_EITHER + r"layer_norm([12])" + _PART, _RESBLOCK + r"ln_\3.\4", _same),
    (_EITHER + r"self_attn\.out_proj" + _PART, _RESBLOCK + r"attn.out_proj.\3", _same),
    (_EITHER + r"mlp\.fc1" + _PART, _RESBLOCK + r"mlp.c_fc.\3", _same),
    (_EITHER + r"mlp\.fc2" + _PART, _RESBLOCK + r"mlp.c_proj.\3", _same),
    (_EMBEDDINGS + r"token_embedding\.weight", "text_model.token_embedding.weight", _same),
    (_EMBEDDINGS + r"position_embedding\.weight", "text_model.positional_embedding", _same),
    (r"text_model\.final_layer_norm" + _PART, r"text_model.ln_final.\1", _same),
    (r"text_projection\.weight", "text_model.text_projection", _turned),
)
