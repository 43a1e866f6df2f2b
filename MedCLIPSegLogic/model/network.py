"""The MedCLIPSeg network (arXiv 2602.20423): two CLIP towers in lock-step, joined by probabilistic adapters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from .adapter import PVLAdapter
from .config import ModelConfig
from .image_tower import build_image_tower
from .noise import NoiseSource
from .states import ImageState, PairState, TextState
from .text_tower import PAD_TOKEN, attention_mask, build_text_tower, content_length
from .upscale import SkipUpscaleBlock, UpscaleBlock

START_DEVIATION = -3.0
"""Of a stochastic head before the softplus, which makes it 0.05: samples differ, yet a few of them settle a slice."""


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
        self.mask_deviation: nn.Linear | None = None
        if config.head.stochastic:
            self.mask_deviation = nn.Linear(joint, pixel_width)
            nn.init.zeros_(self.mask_deviation.weight)
            nn.init.constant_(self.mask_deviation.bias, START_DEVIATION)
        # Part of CLIP and of the published checkpoints; segmentation does not use it.
        self.logit_scale = nn.Parameter(torch.tensor(2.6592), requires_grad=False)

    def encode_images(self, images: Tensor) -> ImageState:
        """Everything of the image tower that no noise reaches; shared by all samples and prompts.

        Args:
            images: (B, 3, H, W), normalized; H and W multiples of the patch size.
        """
        tokens, stem = self.vision_model.embed(images)
        for index in range(self.config.adapter.fusion_layers[0]):
            tokens = self.vision_model.block(index, tokens)
        return ImageState(tokens, self._join_stem(stem), (images.shape[2], images.shape[3]))

    def encode_text(self, token_ids: Tensor) -> TextState:
        """Everything of the text tower that no noise reaches; shared by all samples and slices.

        Args:
            token_ids: (B, Tt) int64, padded with 0.
        """
        tower = self.text_model
        tokens, length = tower.embed(token_ids), content_length(token_ids)
        state = TextState(
            tokens,
            token_ids == PAD_TOKEN if self.config.adapter.mask_padding else None,
            attention_mask(tower, token_ids, length),
            length,
            tower.pooled_positions(token_ids),
        )
        for index in range(self.config.adapter.fusion_layers[0]):
            tokens = self.text_block(index, tokens, state)
        return replace(state, tokens=tokens)

    def meet(self, image: ImageState, text: TextState) -> PairState:
        """Let images and prompts of the same batch size meet, up to the first noise; shared by all samples.

        Args:
            image, text: from :meth:`encode_images` and :meth:`encode_text`.
        """
        return PairState(image, text, self.adapter(0).look(image.tokens, text.tokens, text.hidden))

    def decode(self, pair: PairState, noise: NoiseSource) -> NetworkOutput:
        """One stochastic pass from the first noise to the logits."""
        layers = self.config.adapter.fusion_layers
        image_tokens, text, text_tokens = pair.image.tokens, pair.text, pair.text.tokens
        for index in range(layers[0], self.config.image.layers):
            if index in layers:
                number = layers.index(index)
                adapter = self.adapter(number)
                state = adapter.look(image_tokens, text_tokens, text.hidden) if number else pair.first
                for_image, for_text = adapter.sample(state, number, noise)
                image_tokens, text_tokens = image_tokens + for_image, text_tokens + for_text
            image_tokens = self.vision_model.block(index, image_tokens)
            if index < layers[-1]:
                text_tokens = self.text_block(index, text_tokens, text)
            else:
                text_tokens = self._last_text_block(index, text_tokens[:, : text.length], text)
        patches, prompt = self.vision_model.project(image_tokens), self.text_model.project(text_tokens)
        return self._read_mask(patches, prompt, pair.image, noise)

    def plain_vectors(self, image: ImageState, text: TextState) -> tuple[Tensor, Tensor]:
        """What the towers say by themselves, as if there were no adapters.

        Returns:
            Unit vectors (B, joint width): the mean of an image's patches, and the prompt.
        """
        image_tokens, text_tokens = image.tokens, text.tokens
        for index in range(self.config.adapter.fusion_layers[0], self.config.image.layers):
            image_tokens = self.vision_model.block(index, image_tokens)
            text_tokens = self._last_text_block(index, text_tokens[:, : text.length], text)
        patches = self.vision_model.project(image_tokens).mean(dim=1)
        return functional.normalize(patches, dim=-1), functional.normalize(self.text_model.project(text_tokens), dim=-1)

    def adapter(self, number: int) -> PVLAdapter:
        """The adapter of a fusion layer, both counted from 0."""
        adapter = self.pvl_adapters[number]
        assert isinstance(adapter, PVLAdapter)
        return adapter

    def _join_stem(self, stem: list[Tensor]) -> list[Tensor]:
        """The stem's features as the upscale blocks join them; none when they take none."""
        blocks = [block for block in self.upscale if isinstance(block, SkipUpscaleBlock)]
        return [block.skip(features) for block, features in zip(blocks, reversed(stem), strict=False)]

    def text_block(self, index: int, tokens: Tensor, text: TextState) -> Tensor:
        """A layer whose tokens an adapter reads, padding included."""
        # Keys and values of padding are not even computed where no token looks at them.
        context = tokens[:, : text.length] if self.text_model.ignores_padding else tokens
        return self.text_model.block(index, tokens, context, text.mask)

    def _last_text_block(self, index: int, tokens: Tensor, text: TextState) -> Tensor:
        """A layer after the last adapter: padding is not needed, and in the end one token a row, (B, W)."""
        mask = text.mask
        if mask is not None and text.is_causal:
            mask = mask[: text.length, : text.length]
        if index < self.config.text.layers - 1:
            return self.text_model.block(index, tokens, tokens, mask)
        rows = torch.arange(len(tokens), device=tokens.device)
        if mask is not None and text.is_causal:
            mask = mask[text.pooled][:, None, None]
        pooled = self.text_model.block(index, tokens[rows, text.pooled][:, None], tokens, mask)
        return pooled[:, 0]

    def kernel(self, text: Tensor, noise: NoiseSource) -> Tensor:
        """What the channels of the pixels are multiplied with to make logits (B, C), of prompts as projected (B, D).

        A stochastic head draws it from a normal distribution; its noise is that of one adapter more than there are.
        """
        unit = functional.normalize(text, dim=-1)
        mean = self.mask_head(unit)
        if self.mask_deviation is None:
            return mean
        drawn = noise(len(self.config.adapter.fusion_layers), "image_from_text", mean[:, None])[:, 0]
        return mean + functional.softplus(self.mask_deviation(unit)) * drawn

    def _read_mask(self, patches: Tensor, text: Tensor, image: ImageState, noise: NoiseSource) -> NetworkOutput:
        rows, columns = (side // self.config.image.patch_size for side in image.size)
        grid = functional.normalize(patches, dim=-1).transpose(1, 2).unflatten(2, (rows, columns))
        pixels = grid
        for number, block in enumerate(self.upscale):
            pixels = block(pixels, image.skips[number]) if image.skips else block(pixels)
        logits = torch.einsum("bc,bchw->bhw", self.kernel(text, noise), pixels)
        logits = functional.interpolate(logits[:, None], size=image.size, mode="bilinear", align_corners=False)[:, 0]
        return NetworkOutput(logits, grid, text)

    def forward(self, images: Tensor, token_ids: Tensor, noise: NoiseSource) -> NetworkOutput:
        """One stochastic pass for a batch of (image, prompt) pairs."""
        return self.decode(self.meet(self.encode_images(images), self.encode_text(token_ids)), noise)
