"""Probabilistic cross-attention (MedCLIPSeg, arXiv 2602.20423): values are distributions, scores know their spread."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

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
