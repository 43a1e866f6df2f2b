"""Probabilistic vision-language adapter (MedCLIPSeg, arXiv 2602.20423): both streams, narrowed, look at each other.

In its cross-attention values are distributions, and scores know their spread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import AdapterConfig
from .noise import NoiseSource

VARIANCE_FLOOR = 1e-6


@dataclass(frozen=True, eq=False)
class AttentionState:
    """An attention before its noise: queries (B, Tq, C), scores after the softmax (B, Tq, Tk), values (B, Tk, C).

    The values are given by their mean and standard deviation.
    """

    query: Tensor
    attention: Tensor
    value_mean: Tensor
    value_deviation: Tensor


class ProbabilisticCrossAttention(nn.Module):
    """Single-head attention from queries (B, Tq, C) to a context (B, Tk, C) with Gaussian keys and values.

    Scores are Q·Kμᵀ/√C − β·√(Q²·(Kσ²)ᵀ/C); values are Vμ + √Vσ² ⊙ ε; a learned gate mixes the result with the
    query.

    Args:
        width: C.
        beta: weight of the key variance in the scores.
        gate_init: start of the gate before the sigmoid (0 gives one half).
    """

    def __init__(self, width: int, beta: float, gate_init: float) -> None:
        super().__init__()
        self.beta = beta
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, 2 * width)
        self.v_proj = nn.Linear(width, 2 * width)
        self.out_proj = nn.Linear(width, width)
        self.norm_k = nn.LayerNorm(width)
        self.norm_v = nn.LayerNorm(width)
        self.gate = nn.Parameter(torch.tensor(float(gate_init)))

    def look(self, query: Tensor, context: Tensor, hidden: Tensor | None = None) -> AttentionState:
        """Everything that needs no noise.

        Args:
            query: (B, Tq, C).
            context: (B, Tk, C).
            hidden: (B, Tk), True for context tokens that get no attention.
        """
        width = query.shape[-1]
        queries = self.q_proj(query)
        key_mean, key_spread = self.k_proj(context).chunk(2, dim=-1)
        value_mean, value_spread = self.v_proj(context).chunk(2, dim=-1)
        key_mean, value_mean = self.norm_k(key_mean), self.norm_v(value_mean)
        key_variance = functional.softplus(key_spread) + VARIANCE_FLOOR
        value_variance = functional.softplus(value_spread) + VARIANCE_FLOOR

        agreement = queries @ key_mean.transpose(1, 2) / math.sqrt(width)
        # Divided before the product, whose sums would leave the range of float16.
        doubt = ((queries.square() / width) @ key_variance.transpose(1, 2)).sqrt()
        scores = agreement - self.beta * doubt
        if hidden is not None:
            scores = scores.masked_fill(hidden[:, None, :], float("-inf"))
        return AttentionState(query, scores.softmax(dim=-1), value_mean, value_variance.sqrt())

    def sample(self, state: AttentionState, noise: Callable[[Tensor], Tensor]) -> Tensor:
        """Draw the values and read them: (B, Tq, C).

        Args:
            state: from :meth:`look`.
            noise: called with the value means (B, Tk, C), returns ε of that shape.
        """
        values = state.value_mean + state.value_deviation * noise(state.value_mean)
        gate = self.gate.sigmoid()
        return gate * self.out_proj(state.attention @ values) + (1 - gate) * state.query

    def forward(self, query: Tensor, context: Tensor, noise: Callable[[Tensor], Tensor]) -> Tensor:
        """Look and sample at once, nothing hidden."""
        return self.sample(self.look(query, context), noise)


@dataclass(frozen=True, eq=False)
class AdapterState:
    """An adapter before its noise: the image's look at the text, and the narrowed text tokens (B, Tt, C)."""

    image: AttentionState
    text: Tensor


class TwoWayAttention(nn.Module):
    """The image queries the text, then the text queries the updated image."""

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.cross_attn_img_to_txt = ProbabilisticCrossAttention(config.width, config.beta, config.gate_init)
        self.cross_attn_txt_to_img = ProbabilisticCrossAttention(config.width, config.beta, config.gate_init)

    def look(self, image: Tensor, text: Tensor, padding: Tensor | None) -> AdapterState:
        return AdapterState(self.cross_attn_img_to_txt.look(image, text, padding), text)

    def sample(self, state: AdapterState, index: int, noise: NoiseSource) -> tuple[Tensor, Tensor]:
        image = self.cross_attn_img_to_txt.sample(state.image, lambda values: noise(index, "image_from_text", values))
        text = self.cross_attn_txt_to_img(state.text, image, lambda values: noise(index, "text_from_image", values))
        return image, text


class PVLAdapter(nn.Module):
    """Residual that an adapter adds to both token streams.

    Args:
        image_width, text_width: channels of the two towers.
        config: adapter sizes.
    """

    def __init__(self, image_width: int, text_width: int, config: AdapterConfig) -> None:
        super().__init__()
        # The published checkpoints keep the down-projection of the image in a Sequential.
        self.proj_vis_down = nn.Sequential(nn.Linear(image_width, config.width, bias=False))
        self.proj_txt_down = nn.Linear(text_width, config.width, bias=False)
        self.proj_vis_up = nn.Linear(config.width, image_width, bias=False)
        self.proj_txt_up = nn.Linear(config.width, text_width, bias=False)
        self.two_way = TwoWayAttention(config)
        if config.up_init_std is not None:
            nn.init.normal_(self.proj_vis_up.weight, std=config.up_init_std)
            nn.init.normal_(self.proj_txt_up.weight, std=config.up_init_std)

    def look(self, image: Tensor, text: Tensor, padding: Tensor | None) -> AdapterState:
        """Everything that needs no noise.

        Args:
            image, text: tokens (B, Ti, Wi) and (B, Tt, Wt).
            padding: (B, Tt), True for text tokens the image must not look at; None to show them all.
        """
        return self.two_way.look(self.proj_vis_down(image), self.proj_txt_down(text), padding)

    def sample(self, state: AdapterState, index: int, noise: NoiseSource) -> tuple[Tensor, Tensor]:
        """Residuals for the image tokens (B, Ti, Wi) and the text tokens (B, Tt, Wt).

        Args:
            state: from :meth:`look`.
            index: number of this adapter, handed to ``noise``.
            noise: source of ε.
        """
        image, text = self.two_way.sample(state, index, noise)
        return self.proj_vis_up(image), self.proj_txt_up(text)

    def forward(
        self, image: Tensor, text: Tensor, padding: Tensor | None, index: int, noise: NoiseSource
    ) -> tuple[Tensor, Tensor]:
        """Look and sample at once."""
        return self.sample(self.look(image, text, padding), index, noise)
