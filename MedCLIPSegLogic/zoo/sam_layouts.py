"""Published layouts of SAM weights: Meta's own (``sam_vit_b_01ec64.pth``, ``medsam_vit_b.pth``) and transformers'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..errors import MedCLIPSegError
from ..model.sam_checkpoint import sam_config, sam_shapes, with_tied_weights
from .layouts import KeyReport, checked_weights, report_keys

if TYPE_CHECKING:
    from transformers import SamConfig

ARCHITECTURES: dict[str, dict[str, Any]] = {
    name: {
        "vision_config": {
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "global_attn_indexes": list(range(layers // 4 - 1, layers, layers // 4)),
        }
    }
    for name, width, layers, heads in (("ViT-B", 768, 12, 12), ("ViT-L", 1024, 24, 16), ("ViT-H", 1280, 32, 16))
}
"""The three sizes; everything else is as transformers has it by default."""
POSITIONS = ("image_encoder.pos_embed", "vision_encoder.pos_embed")
"""The weight by which a SAM and its size are known, in both layouts."""
NO_WEIGHTS = {"pixel_mean", "pixel_std"}
DECODER_NETWORKS = re.compile(r"(iou_prediction_head|output_hypernetworks_mlps\.\d+)\.layers\.([012])\.")
THREE_LAYERS = ("proj_in", "layers.0", "proj_out")
RENAMED = (
    (r"^image_encoder\.", "vision_encoder."),
    (r"^vision_encoder\.blocks\.", "vision_encoder.layers."),
    (r"^vision_encoder\.patch_embed\.proj\.", "vision_encoder.patch_embed.projection."),
    (r"\.neck\.0\.", ".neck.conv1."),
    (r"\.neck\.1\.", ".neck.layer_norm1."),
    (r"\.neck\.2\.", ".neck.conv2."),
    (r"\.neck\.3\.", ".neck.layer_norm2."),
    (r"\.pe_layer\.positional_encoding_gaussian_matrix$", ".shared_embedding.positional_embedding"),
    (r"\.point_embeddings\.", ".point_embed."),
    (r"\.mask_downscaling\.0\.", ".mask_embed.conv1."),
    (r"\.mask_downscaling\.1\.", ".mask_embed.layer_norm1."),
    (r"\.mask_downscaling\.3\.", ".mask_embed.conv2."),
    (r"\.mask_downscaling\.4\.", ".mask_embed.layer_norm2."),
    (r"\.mask_downscaling\.6\.", ".mask_embed.conv3."),
    (r"\.output_upscaling\.0\.", ".upscale_conv1."),
    (r"\.output_upscaling\.1\.", ".upscale_layer_norm."),
    (r"\.output_upscaling\.3\.", ".upscale_conv2."),
    (r"\.norm(\d|_final_attn)\.", r".layer_norm\1."),
)


def is_sam(tensors: Mapping[str, Tensor]) -> bool:
    """True for the weights of a SAM, in either layout."""
    return any(name in tensors for name in POSITIONS)


def map_sam_weights(tensors: Mapping[str, Tensor], source: str) -> tuple[SamConfig, dict[str, Tensor], list[KeyReport]]:
    """Find the size of a SAM and give each weight its name in transformers' network.

    Args:
        tensors: by their names in the file.
        source: file name for messages.

    Returns:
        The configuration, the weights in float32, and what became of every key, in the order of the file.

    Raises:
        MedCLIPSegError: no known size, or a key is missing, unexpected, wrongly shaped or not finite; named.
    """
    config = _config(next(tensors[name] for name in POSITIONS if name in tensors), source)
    is_metas = POSITIONS[0] in tensors
    names = {key: "" if key in NO_WEIGHTS else _name(key) if is_metas else key for key in tensors}
    if len(set(names.values()) - {""}) < sum(bool(name) for name in names.values()):
        raise MedCLIPSegError(f"{source} has two keys for the same weight.")
    found = with_tied_weights({name: tensors[key] for key, name in names.items() if name})
    return config, checked_weights(found, names, sam_shapes(config), source, "SAM"), report_keys(tensors, names)


def _config(positions: Tensor, source: str) -> SamConfig:
    width = int(positions.shape[-1]) if positions.ndim else 0
    for architecture in ARCHITECTURES.values():
        if architecture["vision_config"]["hidden_size"] == width:
            return sam_config(architecture, source)
    raise MedCLIPSegError(f"{source} is a SAM of width {width}, which is none of {', '.join(ARCHITECTURES)}.")


def _name(key: str) -> str:
    """Name in transformers' network of a weight in Meta's layout."""
    for pattern, name in RENAMED:
        key = re.sub(pattern, name, key)
    return DECODER_NETWORKS.sub(lambda found: f"{found[1]}.{THREE_LAYERS[int(found[2])]}.", key)
