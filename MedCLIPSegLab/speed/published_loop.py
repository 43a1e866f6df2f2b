"""The published way of sampling, as the baseline of the benchmark: nothing shared, nothing skipped, nothing fused.

The same weights and the same noise as the engine's, through the blocks of open_clip, timm and transformers themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

from MedCLIPSegLogic.model.image_tower import OpenClipImageTower
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import NoiseSource
from MedCLIPSegLogic.model.text_tower import PAD_TOKEN, BertTextTower
from MedCLIPSegLogic.model.upscale import SkipUpscaleBlock


def published_samples(
    network: MedCLIPSeg, image: Tensor, token_ids: Tensor, noises: Callable[[int], NoiseSource], samples: int
) -> Iterator[Tensor]:
    """Logits (1, H, W) of one sample after the other, and of the extra pass the published code throws away.

    Args:
        network: in evaluation mode.
        image: (1, 3, H, W), normalized.
        token_ids: (1, T); padded to the model's context length if shorter.
        noises: noise of a sample, by its number.
        samples: how many.
    """
    length = network.config.text.context_length - token_ids.shape[1]
    padded = functional.pad(token_ids, (0, length), value=PAD_TOKEN)
    with torch.no_grad(), _plain_attention(network):
        published_pass(network, image, padded, noises(samples))
        for sample in range(samples):
            yield published_pass(network, image, padded, noises(sample))


def published_pass(network: MedCLIPSeg, images: Tensor, token_ids: Tensor, noise: NoiseSource) -> Tensor:
    """Logits (B, H, W) of one whole pass of both towers (MedCLIPSeg, arXiv 2602.20423)."""
    layers = network.config.adapter.fusion_layers
    image_tokens, skips = network.vision_model.embed(images)
    text_tokens = network.text_model.embed(token_ids)
    padding = token_ids == PAD_TOKEN if network.config.adapter.mask_padding else None
    for index in range(network.config.image.layers):
        if index in layers:
            number = layers.index(index)
            adapter = network.adapter(number)
            for_image, for_text = adapter(image_tokens, text_tokens, padding, number, noise)
            image_tokens, text_tokens = image_tokens + for_image, text_tokens + for_text
        image_tokens = _image_block(network, index, image_tokens)
        text_tokens = _text_layer(network, index, text_tokens, token_ids)
    pooled = text_tokens[
        torch.arange(len(token_ids), device=token_ids.device), network.text_model.pooled_positions(token_ids)
    ]
    text = network.text_model.project(pooled)
    patches = functional.normalize(network.vision_model.project(image_tokens), dim=-1)
    height, width = (side // network.config.image.patch_size for side in images.shape[2:])
    pixels = patches.transpose(1, 2).unflatten(2, (height, width))
    for number, block in enumerate(network.upscale):
        pixels = block(pixels, block.skip(skips[-1 - number])) if isinstance(block, SkipUpscaleBlock) else block(pixels)
    logits = torch.einsum("bc,bchw->bhw", network.kernel(text, noise), pixels)
    size = (images.shape[2], images.shape[3])
    return functional.interpolate(logits[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def _image_block(network: MedCLIPSeg, index: int, tokens: Tensor) -> Tensor:
    tower = network.vision_model
    if isinstance(tower, OpenClipImageTower):
        return tower.transformer.resblocks[index](tokens)
    return tower.block(index, tokens)


def _text_layer(network: MedCLIPSeg, index: int, tokens: Tensor, token_ids: Tensor) -> Tensor:
    tower = network.text_model
    if isinstance(tower, BertTextTower):
        padding = (token_ids == PAD_TOKEN)[:, None, None, :]
        mask = tokens.new_zeros(padding.shape).masked_fill(padding, torch.finfo(tokens.dtype).min)
        return tower.transformer.encoder.layer[index](tokens, attention_mask=mask)
    count = token_ids.shape[1]
    additive = tower._build_additive_mask(token_ids, count, tokens.dtype) if tower.ignores_padding else None
    mask = tower.attn_mask[:count, :count] if additive is None else additive
    return tower.transformer.resblocks[index](tokens, attn_mask=mask)


@contextmanager
def _plain_attention(network: MedCLIPSeg) -> Iterator[None]:
    """BERT's attention with a stored score matrix, as the transformers of the published code has it."""
    if not isinstance(network.text_model, BertTextTower):
        yield
        return
    config = network.text_model.transformer.config
    before = config._attn_implementation
    config._attn_implementation = "eager"
    try:
        yield
    finally:
        config._attn_implementation = before
