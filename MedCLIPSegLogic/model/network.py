"""The MedCLIPSeg network (arXiv 2602.20423): two CLIP towers in lock-step, joined by probabilistic adapters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .adapter import PVLAdapter
from .config import ModelConfig
from .image_tower import build_image_tower
from .noise import NoiseSource
from .text_tower import PAD_TOKEN, build_text_tower
from .upscale import SkipUpscaleBlock, UpscaleBlock


@dataclass(frozen=True, eq=False)
class ImageState:
    """An image before the first noise enters: tokens (B, Ti, Wi), stem features, input size (H, W)."""

    tokens: Tensor
    skips: list[Tensor]
    size: tuple[int, int]

    def repeat(self, times: int) -> ImageState:
        """Every row ``times`` times, rows of one image side by side."""
        return ImageState(
            self.tokens.repeat_interleave(times, 0), [s.repeat_interleave(times, 0) for s in self.skips], self.size
        )


@dataclass(frozen=True, eq=False)
class TextState:
    """Prompts before the first noise enters: tokens (B, Tt, Wt), token ids (B, Tt)."""

    tokens: Tensor
    token_ids: Tensor

    def expand(self, rows: int) -> TextState:
        """One prompt for ``rows`` batch rows."""
        return TextState(self.tokens.expand(rows, -1, -1), self.token_ids.expand(rows, -1))


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """Result of one stochastic pass.

    Args:
        logits: (B, H, W) at the size of the model input.
        patches: (B, joint width, h, w), unit length.
        text: (B, joint width), as projected.
    """

    logits: Tensor
    patches: Tensor
    text: Tensor


class MedCLIPSeg(nn.Module):
    """Text-prompted probabilistic segmentation network.

    Parameter names are those of the published checkpoints: ``vision_model``, ``text_model``, ``pvl_adapters``,
    ``upscale``, ``mask_head``, ``logit_scale``.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        joint = config.joint_width
        self.vision_model = build_image_tower(config.image, joint)
        self.text_model = build_text_tower(config.text, joint)
        self.pvl_adapters = nn.ModuleList(
            PVLAdapter(config.image.width, config.text.width, config.adapter) for _ in config.adapter.fusion_layers
        )
        if config.head.kind == "depthwise":
            pixel_width = joint
            self.upscale = nn.ModuleList(UpscaleBlock(joint) for _ in range(2))
        else:
            wide, pixel_width = config.head.channels
            _, quarter, eighth, _ = config.image.stem_channels
            self.upscale = nn.ModuleList(
                [SkipUpscaleBlock(joint, eighth, wide), SkipUpscaleBlock(wide, quarter, pixel_width)]
            )
        self.mask_head = nn.Sequential(
            nn.Linear(joint, joint), nn.GELU(), nn.Linear(joint, joint), nn.GELU(), nn.Linear(joint, pixel_width)
        )
        # Part of CLIP and of the published checkpoints; segmentation does not use it.
        self.logit_scale = nn.Parameter(torch.tensor(2.6592), requires_grad=False)

    def encode_images(self, images: Tensor) -> ImageState:
        """Everything of the image tower that no noise reaches; shared by all samples and prompts.

        Args:
            images: (B, 3, H, W), normalized; H and W multiples of the patch size.
        """
        tokens, skips = self.vision_model.embed(images)
        for index in range(self.config.adapter.fusion_layers[0]):
            tokens = self.vision_model.block(index, tokens)
        return ImageState(tokens, skips, (images.shape[2], images.shape[3]))

    def encode_text(self, token_ids: Tensor) -> TextState:
        """Everything of the text tower that no noise reaches; shared by all samples and slices.

        Args:
            token_ids: (B, Tt) int64, padded with 0.
        """
        tokens = self.text_model.embed(token_ids)
        mask = self.text_model.attention_mask(token_ids, tokens)
        for index in range(self.config.adapter.fusion_layers[0]):
            tokens = self.text_model.block(index, tokens, mask)
        return TextState(tokens, token_ids)

    def decode(self, image: ImageState, text: TextState, noise: NoiseSource) -> NetworkOutput:
        """One stochastic pass from the first adapter to the logits; both states have the same batch size."""
        image_tokens, text_tokens = image.tokens, text.tokens
        mask = self.text_model.attention_mask(text.token_ids, text_tokens)
        padding = text.token_ids == PAD_TOKEN if self.config.adapter.mask_padding else None
        layers = self.config.adapter.fusion_layers
        for index in range(layers[0], self.config.image.layers):
            if index in layers:
                adapter = layers.index(index)
                for_image, for_text = self.pvl_adapters[adapter](image_tokens, text_tokens, padding, adapter, noise)
                image_tokens, text_tokens = image_tokens + for_image, text_tokens + for_text
            image_tokens = self.vision_model.block(index, image_tokens)
            text_tokens = self.text_model.block(index, text_tokens, mask)
        return self._read_mask(
            self.vision_model.project(image_tokens), self.text_model.project(text_tokens, text.token_ids), image
        )

    def _read_mask(self, patches: Tensor, text: Tensor, image: ImageState) -> NetworkOutput:
        rows, columns = (side // self.config.image.patch_size for side in image.size)
        grid = functional.normalize(patches, dim=-1).transpose(1, 2).unflatten(2, (rows, columns))
        pixels = grid
        for number, block in enumerate(self.upscale):
            pixels = block(pixels, image.skips[-1 - number]) if image.skips else block(pixels)
        kernel = self.mask_head(functional.normalize(text, dim=-1))
        logits = torch.einsum("bc,bchw->bhw", kernel, pixels)
        logits = functional.interpolate(logits[:, None], size=image.size, mode="bilinear", align_corners=False)[:, 0]
        return NetworkOutput(logits, grid, text)

    def forward(self, images: Tensor, token_ids: Tensor, noise: NoiseSource) -> NetworkOutput:
        """One stochastic pass for a batch of (image, prompt) pairs."""
        return self.decode(self.encode_images(images), self.encode_text(token_ids), noise)
