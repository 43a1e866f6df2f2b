"""Optimizer and schedule of a run."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from .settings import TrainingSettings

WARM_UP = 0.08
ADAMW_BETAS = (0.9, 0.99)


def decayed_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Everything that is trained: matrices and kernels with a decay, vectors without."""
    trained = [p for p in network.parameters() if p.requires_grad]
    matrices, vectors = [p for p in trained if p.ndim >= 2], [p for p in trained if p.ndim < 2]
    groups = ({"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0})
    return [group for group in groups if group["params"]]


def build_optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimizer over everything that is trained."""
    groups = decayed_groups(network, settings.weight_decay)
    if settings.optimizer == "adam":
        return torch.optim.Adam(groups, lr=settings.learning_rate)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=ADAMW_BETAS)


def learning_rate(step: int, steps: int, settings: TrainingSettings) -> float:
    """Learning rate of a step, counted from 0, of ``steps``."""
    peak, final = settings.learning_rate, settings.final_learning_rate
    if settings.schedule == "epoch-cosine":
        assert settings.epochs is not None  # checked by the settings
        epoch = step // (steps // settings.epochs)
        return final + (peak - final) * _half_cosine(epoch / settings.epochs)
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return peak * ((step + 1) / warm_up)
    return final + (peak - final) * _half_cosine((step - warm_up) / max(1, steps - warm_up))


def _half_cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))
