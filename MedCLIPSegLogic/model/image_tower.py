"""Image towers of open_clip and timm, opened up so that adapters can act between their blocks."""

from __future__ import annotations

from functools import partial
from typing import Any

import timm.layers
import timm.models.byobnet as byobnet
import timm.models.efficientnet
import torch
from open_clip.transformer import QuickGELU, VisionTransformer
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
from torch import Tensor, nn

from .config import ImageTowerConfig
from .fused_block import residual_block

LITE_LEVELS = [1, 2, 3]
"""Stages of EfficientNet-Lite0 whose features are used: those at 1/4, 1/8 and 1/16."""
LITE_FIXED = 2
"""First stages, after the first convolution, that training leaves as they come: edges and textures."""


class OpenClipImageTower(VisionTransformer):
    """open_clip's OpenAI-style vision transformer; parameter names are those of the published checkpoints."""

    def __init__(self, config: ImageTowerConfig, joint_width: int) -> None:
        super().__init__(
            image_size=config.image_size,
            patch_size=config.patch_size,
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            mlp_ratio=config.mlp_ratio,
            output_dim=joint_width,
            act_layer=QuickGELU if config.activation == "quick_gelu" else nn.GELU,
        )

    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Tokens (B, 1 + h·w, W), class token first, and the stem's features at 1/4 and 1/8 (empty without a stem)."""
        return self._embeds(images), []

    def block(self, index: int, tokens: Tensor) -> Tensor:
        """Tokens after block ``index``."""
        return residual_block(self.transformer.resblocks[index], tokens, tokens)

    def project(self, tokens: Tensor) -> Tensor:
        """Patch vectors (B, h·w, joint width) after the final norm, class token dropped."""
        return self.ln_post(tokens[:, 1:]) @ self.proj

    def project_class(self, tokens: Tensor) -> Tensor:
        """The vector (B, joint width) of the class token: what CLIP says of the whole image."""
        return self.ln_post(tokens[:, 0]) @ self.proj


class TimmImageTower(nn.Module):
    """timm's vision transformer as open_clip lays it out (``trunk`` and ``head.proj``), any input size.

    With ``stem_channels`` the patches are embedded by a small residual network whose finer features are handed on.
    """

    def __init__(self, config: ImageTowerConfig, joint_width: int) -> None:
        super().__init__()
        embedding: dict[str, Any] = {}
        if config.stem_channels:
            embedding = {"embed_layer": partial(timm.layers.HybridEmbed, backbone=_build_stem(config))}
        self.trunk = TimmVisionTransformer(
            img_size=config.image_size,
            patch_size=1 if config.stem_channels else config.patch_size,
            embed_dim=config.width,
            depth=config.layers,
            num_heads=config.heads,
            mlp_ratio=config.mlp_ratio,
            act_layer=QuickGELU if config.activation == "quick_gelu" else nn.GELU,
            init_values=config.layer_scale,
            drop_path_rate=config.drop_path,
            num_classes=0,
            dynamic_img_size=True,
            **embedding,
        )
        self.head = nn.Sequential()
        self.head.add_module("proj", nn.Linear(config.width, joint_width, bias=False))
        self.has_stem = bool(config.stem_channels)
        self._stem_levels = 3 if config.stem == "residual" else LITE_LEVELS
        self._learns_statistics = config.stem == "residual"
        if self.has_stem:
            self._start_from_sine_positions(config)

    def train(self, mode: bool = True) -> TimmImageTower:
        """As of any module, but the batch statistics of a stem that was trained on photographs stay."""
        super().train(mode)
        if self.has_stem and not self._learns_statistics:
            self.trunk.patch_embed.backbone.eval()
        return self

    def _start_from_sine_positions(self, config: ImageTowerConfig) -> None:
        grid = config.image_size // config.patch_size
        sine = timm.layers.build_sincos2d_pos_embed([grid, grid], dim=config.width)
        positions = self.trunk.pos_embed
        assert positions is not None
        with torch.no_grad():
            positions.zero_()
            positions[0, 1:] = 0.5 * sine

    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips: list[Tensor] = []
        if self.has_stem:
            patch_embed = self.trunk.patch_embed
            *skips, deepest = patch_embed.backbone.forward_intermediates(
                images, indices=self._stem_levels, intermediates_only=True
            )
            tokens = patch_embed.proj(deepest).permute(0, 2, 3, 1)
        else:
            tokens = self.trunk.patch_embed(images)
        return self.trunk.norm_pre(self.trunk._pos_embed(tokens)), skips

    def block(self, index: int, tokens: Tensor) -> Tensor:
        return self.trunk.blocks[index](tokens)

    def project(self, tokens: Tensor) -> Tensor:
        return self.head(self.trunk.norm(tokens[:, 1:]))

    def project_class(self, tokens: Tensor) -> Tensor:
        return self.head(self.trunk.norm(tokens[:, 0]))


def _build_stem(config: ImageTowerConfig) -> nn.Module:
    return _residual_stem(config.stem_channels) if config.stem == "residual" else _lite_stem()


def _lite_stem() -> nn.Module:
    """The stages of EfficientNet-Lite0 (Apache 2.0) down to 1/16, for weights that come from photographs."""
    stem = timm.models.efficientnet.tf_efficientnet_lite0(num_classes=0, global_pool="")
    stem.prune_intermediate_layers(LITE_LEVELS, prune_norm=True, prune_head=True)
    for part in (stem.conv_stem, stem.bn1, *stem.blocks[:LITE_FIXED]):
        part.requires_grad_(False)
    return stem


def _residual_stem(channels: tuple[int, ...]) -> nn.Module:
    """Residual network with strides 2, 4, 8 and 16 and two convolutions a block, from timm's building kit."""
    half, quarter, eighth, sixteenth = channels
    return byobnet.ByobNet(
        byobnet.ByoModelCfg(
            blocks=(
                byobnet.ByoBlockCfg(type="basic", d=1, c=quarter, s=2),
                byobnet.ByoBlockCfg(type="basic", d=2, c=eighth, s=2),
                byobnet.ByoBlockCfg(type="basic", d=1, c=sixteenth, s=2),
            ),
            stem_chs=half,
            stem_type="3x3",
            stem_pool=None,
        ),
        num_classes=0,
        global_pool="",
    )


def build_image_tower(config: ImageTowerConfig, joint_width: int) -> OpenClipImageTower | TimmImageTower:
    """The tower ``config`` describes, with random weights."""
    return (OpenClipImageTower if config.kind == "vit" else TimmImageTower)(config, joint_width)
