"""The DHN-NCE loss: published values, gradients, and what it is made for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from MedCLIPSegLab.tuning.dhn_nce import dhn_nce
from MedCLIPSegLogic.errors import MedCLIPSegError


def unit_rows(count: int, width: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(count, width, generator=generator, dtype=torch.float64), dim=1)


def as_published(similarities: Tensor, beta_image: float, beta_text: float) -> Tensor:
    """The sum as the papers write it, weight by weight, without regard for overflow."""
    total = torch.zeros((), dtype=similarities.dtype)
    count = len(similarities)
    for matrix, beta in ((similarities, beta_image), (similarities.T, beta_text)):
        for i in range(count):
            others = [j for j in range(count) if j != i]
            normalizer = sum(torch.exp(beta * matrix[i, k]) for k in others)
            weighted = sum(
                torch.exp(matrix[i, j]) * (count - 1) * torch.exp(beta * matrix[i, j]) / normalizer for j in others
            )
            total = total - matrix[i, i] + torch.log(weighted)
    return total


def test_orthonormal_pairs_have_the_known_values() -> None:
    for beta in [0.0, 0.15, 1.0]:
        vectors = torch.eye(4, 512, dtype=torch.float64)
        one = -1 / 0.6 + math.log(3)
        assert one == pytest.approx(-0.56805, abs=1e-5)
        assert float(dhn_nce(vectors @ vectors.T / 0.6, beta, beta, "sum")) == pytest.approx(8 * one)
        assert float(dhn_nce(vectors @ vectors.T / 0.6, beta, beta)) == pytest.approx(-1.13611, abs=1e-5)


def test_closed_form_is_the_published_sum() -> None:
    images, texts = unit_rows(7, 12, 1), unit_rows(7, 12, 2)
    similarities = images @ texts.T / 0.6
    wanted = as_published(similarities, 0.15, 0.4)
    torch.testing.assert_close(dhn_nce(images @ texts.T / 0.6, 0.15, 0.4, "sum"), wanted)
    torch.testing.assert_close(dhn_nce(images @ texts.T / 0.6, 0.15, 0.4), wanted / 7)


def test_without_hardness_it_is_decoupled_contrastive_learning() -> None:
    images, texts = unit_rows(6, 8, 3), unit_rows(6, 8, 4)
    similarities = images @ texts.T / 0.6
    negatives = similarities.exp() * (1 - torch.eye(6))
    dcl = -2 * similarities.diagonal() + negatives.sum(dim=1).log() + negatives.sum(dim=0).log()
    torch.testing.assert_close(dhn_nce(images @ texts.T / 0.6, 0.0, 0.0, "sum"), dcl.sum())


def test_of_two_pairs_only_the_differences_count() -> None:
    for beta in [0.0, 0.15, 2.0]:
        similarities = torch.tensor([[1.2, -0.3], [0.4, 0.8]], dtype=torch.float64)
        wanted = 2 * (-1.2 - 0.8 - 0.3 + 0.4)
        assert float(dhn_nce(similarities, beta, beta, "sum")) == pytest.approx(wanted)


def test_the_two_directions_have_their_own_hardness() -> None:
    similarities = torch.randn(5, 5, generator=torch.Generator().manual_seed(5))
    one = dhn_nce(similarities, 0.1, 0.7)
    torch.testing.assert_close(one, dhn_nce(similarities.T, 0.7, 0.1))
    assert not torch.allclose(one, dhn_nce(similarities, 0.7, 0.1))


def test_gradients_are_those_of_finite_differences() -> None:
    for reduction in ["mean", "sum"]:
        similarities = torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
        assert torch.autograd.gradcheck(
            lambda s, how=reduction: dhn_nce(s, 0.15, 0.5, how), similarities.requires_grad_()
        )
        images, texts = unit_rows(4, 6, 7).requires_grad_(), unit_rows(4, 6, 8).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda i, t, how=reduction: dhn_nce(i @ t.T / 0.6, reduction=how), (images, texts)
        )


def test_a_hard_negative_is_pushed_away_harder_than_the_others() -> None:
    count = 16
    images = torch.eye(count, 32, dtype=torch.float64)
    cosines = (images @ unit_rows(count, 32, 9).T * 0.1).fill_diagonal_(0.95)
    cosines[2, 5] = 0.9
    gradients = []
    for beta in (0.15, 0.0):
        leaf = cosines.clone().requires_grad_()
        dhn_nce(leaf / 0.6, beta, beta).backward()
        gradients.append(leaf.grad)
    hard, plain = gradients
    negatives = hard[~torch.eye(count, dtype=torch.bool)]
    assert hard[2, 5] > 3 * negatives.mean() > 0
    assert hard[2, 5] == hard.max()
    assert hard[2, 5] > plain[2, 5]
    assert (hard.diagonal() < 0).all()


def test_large_similarities_stay_finite() -> None:
    for value in [50.0, -50.0]:
        similarities = torch.full((8, 8), value).fill_diagonal_(-value).requires_grad_()
        loss = dhn_nce(similarities, 0.15, 4.0)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(similarities.grad).all()


def test_half_precision_is_computed_in_single() -> None:
    images, texts = unit_rows(8, 16, 10).bfloat16(), unit_rows(8, 16, 11).bfloat16()
    assert dhn_nce(images @ texts.T / 0.6).dtype is torch.float32


def test_a_single_pair_is_refused() -> None:
    with pytest.raises(MedCLIPSegError, match="at least 2"):
        dhn_nce(torch.ones(1, 1))
