"""The losses over a batch are those that the product computes row by row; no graphics card is needed."""

from __future__ import annotations

import pytest
import torch
from batch_losses import dice, place, rival
from torch.nn import functional

from MedCLIPSegLab.training.objective import dice_loss
from MedCLIPSegLab.training.text_targets import place_loss, rival_loss


@pytest.fixture
def labels() -> torch.Tensor:
    """Labels of six pictures: both, one or none of the findings."""
    labels = torch.zeros(6, 64, 64, dtype=torch.uint8)
    labels[:4, 8:30, 8:30] = 1
    labels[2:5, 34:60, 20:60] = 2
    return labels


def test_they_are_the_same(labels: torch.Tensor) -> None:
    torch.manual_seed(0)
    logits, text = torch.randn(6, 64, 64), torch.randn(6, 96)
    patches = functional.normalize(torch.randn(6, 96, 4, 4), dim=1)
    places = torch.tensor([[0, 0, 1.0], [0, 0, 0], [-1, 0, -1.0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    mask, others = (labels == 1).float(), labels == 2
    assert dice(logits, mask) == pytest.approx(float(dice_loss(logits, mask)), abs=1e-6)
    assert rival(logits, mask, others.float()) == pytest.approx(float(rival_loss(logits, mask, others)), abs=1e-6)
    expected = place_loss(patches, text, places, mask, others)
    assert place(patches, text, places, mask, others.float()) == pytest.approx(float(expected), abs=1e-6)
