"""Probabilistic cross-attention (MedCLIPSeg, arXiv 2602.20423): values are distributions, scores know their spread."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

VARIANCE_FLOOR = 1e-6


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

    def forward(
        self, query: Tensor, context: Tensor, noise: Callable[[Tensor], Tensor], hidden: Tensor | None = None
    ) -> Tensor:
        """Attend.

        Args:
            query: (B, Tq, C).
            context: (B, Tk, C).
            noise: called with the value means (B, Tk, C), returns ε of that shape.
            hidden: (B, Tk), True for context tokens that get no attention.

        Returns:
            (B, Tq, C).
        """
        width = query.shape[-1]
        queries = self.q_proj(query)
        key_mean, key_spread = self.k_proj(context).chunk(2, dim=-1)
        value_mean, value_spread = self.v_proj(context).chunk(2, dim=-1)
        key_mean, value_mean = self.norm_k(key_mean), self.norm_v(value_mean)
        key_variance = functional.softplus(key_spread) + VARIANCE_FLOOR
        value_variance = functional.softplus(value_spread) + VARIANCE_FLOOR

        agreement = queries @ key_mean.transpose(1, 2) / math.sqrt(width)
        doubt = (queries.square() @ key_variance.transpose(1, 2) / width).sqrt()
        scores = agreement - self.beta * doubt
        if hidden is not None:
            scores = scores.masked_fill(hidden[:, None, :], float("-inf"))
        attention = scores.softmax(dim=-1)
        values = value_mean + value_variance.sqrt() * noise(value_mean)
        gate = self.gate.sigmoid()
        return gate * self.out_proj(attention @ values) + (1 - gate) * query
