"""The two towers of a model as plain CLIP, opened up where saliency is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..model.catalog import find_model
from ..model.checkpoint import load_to_train
from ..model.network import MedCLIPSeg
from ..model.states import TextState
from ..model.tokenizer import PromptTokenizer
from .preprocess import Placement, place, prepare_slice

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of the images CLIP, BiomedCLIP among them, was pretrained on; MedCLIPSeg itself takes other ones."""
LOGIT_SCALE = 85.2
"""BiomedCLIP's exp(4.4454), by which cosines become logits."""


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image as the towers see it.

    Args:
        input: (1, 3, S, S) float32, normalized.
        placement: where the image lies in it.
    """

    input: Tensor
    placement: Placement


class ClipTowers:
    """Plain CLIP: an image vector, a text vector, and the tokens in between; adapters are not used.

    An image is stretched to the input, never cropped, so that a map is never shifted, in R, G, B order as the towers
    were pretrained. Its vector is that of the class token. The bundled architecture never trains its class token at
    the level of images; there it is the mean of the patch vectors.

    Args:
        network: whose towers are used; set to evaluation, its parameters need no gradients.
        tokenizer: of the network.
    """

    def __init__(self, network: MedCLIPSeg, tokenizer: PromptTokenizer) -> None:
        self._network = network.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        config = network.config
        self.image_size = config.image.image_size
        self.blocks = config.image.layers
        self.width = config.image.width
        self.text_blocks = config.text.layers
        side = self.image_size // config.image.patch_size
        self.grid = (side, side)
        self._pools_patches = bool(config.image.stem_channels)
        self._preprocessing = dataclasses.replace(
            config.preprocessing, channel_order="rgb", fit="stretch", antialias=True
        )
        if not self._pools_patches:
            self._preprocessing = dataclasses.replace(self._preprocessing, mean=CLIP_MEAN, std=CLIP_STD)

    @property
    def device(self) -> torch.device:
        """Where the towers are."""
        return self._network.logit_scale.device

    def to(self, device: torch.device) -> None:
        """Move the towers."""
        self._network.to(device)

    def prepare(self, pixels: NDArray[np.uint8]) -> PreparedImage:
        """An image (H, W, 3) of 0…255, R, G, B."""
        height, width = pixels.shape[:2]
        placement = place((height, width), (1.0, 1.0), self.image_size, self._preprocessing)
        prepared = prepare_slice(pixels, placement, self._preprocessing)[None]
        return PreparedImage(prepared.to(self.device), placement)

    def begin(self, images: Tensor, last: int) -> Tensor:
        """Tokens (B, 1 + h·w, W) after block ``last``, counted from 0, class token first; −1: before the first."""
        tokens = self._network.vision_model.embed(images)[0]
        for index in range(last + 1):
            tokens = self._network.vision_model.block(index, tokens)
        return tokens

    def finish(self, tokens: Tensor, first: int) -> Tensor:
        """Unit vectors (B, D) from tokens before block ``first``."""
        for index in range(first, self.blocks):
            tokens = self._network.vision_model.block(index, tokens)
        tower = self._network.vision_model
        pooled = tower.project(tokens).mean(dim=1) if self._pools_patches else tower.project_class(tokens)
        return functional.normalize(pooled, dim=-1)

    def image_vectors(self, images: Tensor) -> Tensor:
        """Unit vectors (B, D) of images (B, 3, S, S)."""
        return self.finish(self.begin(images, -1), 0)

    def tokenize(self, prompts: Sequence[str]) -> Tensor:
        """Token ids (B, T)."""
        return self._tokenizer(list(prompts)).to(self.device)

    def words(self, token_ids: Tensor) -> list[tuple[str, list[int]]]:
        """The words of a prompt (T,) in order, each with the positions of its tokens."""
        return self._tokenizer.words(token_ids.tolist())

    def begin_text(self, token_ids: Tensor, last: int) -> tuple[Tensor, TextState]:
        """Tokens (B, T, W) after text block ``last``, and what the later blocks need of the prompt."""
        state = self._network.encode_text(token_ids)
        tokens = self._network.text_model.embed(token_ids)
        for index in range(last + 1):
            tokens = self._network.text_block(index, tokens, state)
        return tokens, state

    def finish_text(self, tokens: Tensor, first: int, state: TextState) -> Tensor:
        """Unit vectors (B, D) from tokens before text block ``first``."""
        for index in range(first, self.text_blocks):
            tokens = self._network.text_block(index, tokens, state)
        rows = torch.arange(len(tokens), device=tokens.device)
        pooled = self._network.text_model.project(tokens[rows, state.pooled.expand(len(tokens))])
        return functional.normalize(pooled, dim=-1)

    @torch.no_grad()
    def text_vectors(self, prompts: Sequence[str]) -> Tensor:
        """Unit vectors (B, D) of prompts.

        Raises:
            MedCLIPSegError: the model knows no word of a prompt.
        """
        tokens, state = self.begin_text(self.tokenize(prompts), -1)
        return self.finish_text(tokens, 0, state)

    def norm(self, block: int) -> nn.Module:
        """The layer norm before the attention of an image block."""
        timm = self._network.config.image.kind == "timm"
        name = f"trunk.blocks.{block}.norm1" if timm else f"transformer.resblocks.{block}.ln_1"
        return self._network.vision_model.get_submodule(name)


def load_towers(name: str | Path) -> ClipTowers:
    """The towers of a model or of a backbone alone.

    Args:
        name: bundled or installed model's name, or model folder.

    Raises:
        MedCLIPSegError: it does not exist or is damaged.
    """
    folder = find_model(name)
    network = load_to_train(folder)
    return ClipTowers(network, PromptTokenizer(network.config, folder))


def to_unit_range(values: Tensor) -> Tensor:
    """Values stretched to 0…1; all 0 where they do not differ."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values * 0


def to_pixels(patches: Tensor, image: PreparedImage) -> NDArray[np.float32]:
    """A map (h, w) of patches on the image's own grid (H, W), bilinearly, stretched to 0…1.

    Not nearest as in the released code, whose steps of a pixel shift boxes by up to a cell.
    """
    size = image.placement.input_size
    whole = functional.interpolate(patches[None, None].float(), (size, size), mode="bilinear", align_corners=False)
    return to_unit_range(image.placement.restore(whole[0])[0]).cpu().numpy().astype(np.float32)
