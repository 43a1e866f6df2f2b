"""A tiny random SAM from its configuration, laid out as the published ones, and a stand-in that returns the box."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import SamConfig, SamModel

from MedCLIPSegLogic.clip_sam.objects import ObjectPrompt
from MedCLIPSegLogic.clip_sam.sam import ObjectMasks

SIDE = 64
SMALL: dict[str, Any] = {
    "vision_config": {
        "hidden_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "global_attn_indexes": [1],
        "image_size": SIDE,
        "window_size": 3,
        "output_channels": 16,
        "num_pos_feats": 8,
        "mlp_ratio": 2.0,
    },
    "prompt_encoder_config": {"hidden_size": 16, "image_size": SIDE, "image_embedding_size": 4},
    "mask_decoder_config": {
        "hidden_size": 16,
        "mlp_dim": 32,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 16,
    },
}
METAS_NAMES = (
    (r"^vision_encoder\.patch_embed\.projection", "image_encoder.patch_embed.proj"),
    (r"^vision_encoder\.layers", "image_encoder.blocks"),
    (r"^vision_encoder", "image_encoder"),
    (r"neck\.conv1", "neck.0"),
    (r"neck\.layer_norm1", "neck.1"),
    (r"neck\.conv2", "neck.2"),
    (r"neck\.layer_norm2", "neck.3"),
    (r"shared_embedding\.positional_embedding", "pe_layer.positional_encoding_gaussian_matrix"),
    (r"\.point_embed\.", ".point_embeddings."),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"layer_norm(\d)", r"norm\1"),
    (r"(iou_prediction_head|output_hypernetworks_mlps\.\d)\.layers\.0", r"\1.layers.1"),
    (r"proj_in", "layers.0"),
    (r"proj_out", "layers.2"),
)


def small_sam(seed: int = 0) -> SamModel:
    """A random SAM whose masks differ from place to place; weights that start at 0 are random as well."""
    torch.manual_seed(seed)
    model = SamModel(SamConfig(**SMALL)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = torch.randn_like(parameter)
            if parameter.ndim > 1:
                parameter.copy_(1.5 * values / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.1 * values + float("norm" in name and name.endswith("weight")))
    return model


def save_sam(folder: Path, seed: int = 0) -> SamModel:
    """Write it as the hub has it."""
    model = small_sam(seed)
    model.save_pretrained(folder)
    return model


def metas_layout(model: SamModel) -> dict[str, Tensor]:
    """Its weights as Meta's files name them."""
    named = {}
    for name, tensor in model.state_dict().items():
        if name.startswith("shared_image_embedding"):
            continue
        for pattern, theirs in METAS_NAMES:
            name = re.sub(pattern, theirs, name)
        named[name] = tensor
    return named


class BoxDouble:
    """Takes the box itself for the object; of points alone, the box around them. Counts what it is asked."""

    def __init__(self, boxes_only: bool = False) -> None:
        self.name, self.model_hash, self.boxes_only = "box double", "0" * 64, boxes_only
        self.embedded = self.decoded = 0

    def to(self, device: torch.device) -> None: ...

    def embed(self, image: NDArray[np.uint8]) -> Generator[None, None, tuple[int, int]]:
        self.embedded += 1
        yield
        return image.shape[0], image.shape[1]

    def segment(self, embedding: tuple[int, int], prompts: Sequence[ObjectPrompt]) -> ObjectMasks:
        masks = np.full((len(prompts), *embedding), 0.02, np.float32)
        for mask, prompt in zip(masks, prompts, strict=True):
            corners = (*prompt.points.min(axis=0), *prompt.points.max(axis=0)) if prompt.box is None else prompt.box
            left, top, right, bottom = (round(float(value)) for value in corners)
            mask[top : bottom + 1, left : right + 1] = 0.98
        self.decoded += len(prompts)
        return ObjectMasks(masks, np.full(len(prompts), 0.9, np.float32))
