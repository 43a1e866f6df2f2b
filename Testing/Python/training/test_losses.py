"""Losses against plain formulas; parity with the published code is in the golden files."""

import pytest
import torch
from torch.nn import functional

from MedCLIPSegLab.training.objective import PassOutput, batch_loss, contrastive_loss, dice_loss
from MedCLIPSegLab.training.settings import LossWeights, TrainingSettings
from MedCLIPSegLogic.model.network import NetworkOutput


def test_dice_is_taken_per_image() -> None:
    logits, mask = torch.randn(3, 8, 8), (torch.rand(3, 8, 8) > 0.5).float()
    p = logits.sigmoid()
    wanted = [1 - (2 * (q * m).sum() + 1) / (q.sum() + m.sum() + 1) for q, m in zip(p, mask, strict=True)]
    assert torch.allclose(dice_loss(logits, mask), torch.stack(wanted).mean(), atol=1e-6)


def test_contrast_is_small_when_pairs_agree() -> None:
    vectors = torch.eye(4, 8) * 3
    patches = functional.normalize(vectors, dim=1)[:, :, None, None].expand(4, 8, 2, 2)
    assert contrastive_loss(patches, vectors) < contrastive_loss(patches, vectors.roll(1, 0))


def test_a_part_without_weight_is_left_out() -> None:
    output = NetworkOutput(torch.randn(2, 8, 8), torch.randn(2, 4, 2, 2), torch.randn(2, 4))
    mask = torch.ones(2, 8, 8)
    settings = TrainingSettings(loss=LossWeights(dice=2.0, cross_entropy=1.0, contrast=0.0))
    total, parts = batch_loss(PassOutput(output), mask, settings)
    assert set(parts) == {"dice", "cross_entropy"}
    assert float(total) == pytest.approx(2 * parts["dice"] + parts["cross_entropy"], rel=1e-5)
