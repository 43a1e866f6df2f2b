"""Place and comparison as axes of the joint space: words, patches, and what a prompt does not mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from MedCLIPSegLab.training.settings import LossWeights, TrainingSettings
from MedCLIPSegLab.training.text_targets import REACH, place_loss, place_of, place_targets, rival_loss
from MedCLIPSegLab.training.train import train


def test_prompts_point_where_their_words_say() -> None:
    for text, place in [
        ("polyp", (0, 0, 0)),
        ("polyp in the LEFT picture", (-1, 0, 0)),
        ("tumor in the lower-right quadrant", (1, 1, 0)),
        ("Two small tumors at the top left, center in the breast ultrasound image.", (-0.5, -0.5, 0)),
        ("polyps in the left and in the right part", (0, 0, 0)),
        ("one polyp, located in center of the image", (0, 0, 0)),
        ("only the smaller polyp", (0, 0, -1)),
        ("the largest lesion at the bottom", (0, 1, 1)),
        ("left lung", (0, 0, 0)),
        ("lesion in the left upper lobe", (0, 0, 0)),
        ("one large polyp", (0, 0, 0)),
        ("outright uppermost", (0, 0, 0)),
    ]:
        assert place_of(text) == pytest.approx(place)


def a_perfect_pair(text: str, mask: torch.Tensor, rival: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches (1, 6, 4, 4) and a prompt (1, 6) that lie where they should."""
    line = torch.linspace(-1, 1, 4)
    down, right = torch.meshgrid(line, line, indexing="ij")
    larger = place_of(text)[2] * (functional.avg_pool2d(mask, 4) - functional.avg_pool2d(rival.float(), 4))[0]
    axes = REACH * torch.stack([right, down, larger])
    rest = (1 - axes.square().sum(dim=0)).sqrt()[None]
    point = REACH * torch.tensor(place_of(text))
    left_over = math.sqrt(1 - float(point.square().sum()))
    patches = torch.cat([axes, rest, torch.zeros(2, 4, 4)])[None]
    return patches, torch.cat([point, torch.tensor([left_over, 0.0, 0.0])])[None]


def halves() -> tuple[torch.Tensor, torch.Tensor]:
    mask, rival = torch.zeros(1, 16, 16), torch.zeros(1, 16, 16, dtype=torch.bool)
    mask[:, :, :4] = 1
    rival[:, :, 12:] = True
    return mask, rival


def test_the_loss_of_places_is_zero_where_everything_is_known() -> None:
    for text in ["the left polyp", "the larger polyp", "the smaller polyp at the top"]:
        mask, rival = halves()
        patches, prompt = a_perfect_pair(text, mask, rival)
        targets = place_targets([text])
        # The length of a prompt says nothing.
        assert float(place_loss(patches, 7 * prompt, targets, mask, rival)) == pytest.approx(0, abs=1e-10)


def test_the_loss_of_places_is_the_squared_distance() -> None:
    mask, rival = halves()
    patches, _ = a_perfect_pair("polyp", mask, rival)
    _, points_left = a_perfect_pair("the left polyp", mask, rival)
    right = place_targets(["the right polyp"])
    assert float(place_loss(patches, points_left, right, mask, rival)) == pytest.approx((2 * REACH) ** 2)
    flipped = patches.clone()
    flipped[:, 0] *= -1
    expected = (2 * REACH) ** 2 * float(torch.linspace(-1, 1, 4).square().mean())
    left = place_targets(["the left polyp"])
    assert float(place_loss(flipped, points_left, left, mask, rival)) == pytest.approx(expected)


def test_the_larger_is_compared_only_inside_the_findings() -> None:
    mask, rival = halves()
    text = "the larger polyp"
    patches, prompt = a_perfect_pair(text, mask, rival)
    elsewhere, inside = patches.clone(), patches.clone()
    elsewhere[:, 2, :, 1:3] += 0.5
    inside[:, 2, :, 0] += 0.5
    targets = place_targets([text])
    assert float(place_loss(elsewhere, prompt, targets, mask, rival)) == pytest.approx(0, abs=1e-10)
    assert float(place_loss(inside, prompt, targets, mask, rival)) == pytest.approx(0.5**2 / 2)


def test_rivals_weigh_alike_whatever_their_size() -> None:
    mask, rival = halves()
    rival[:, :, 8:] = True
    logits = torch.zeros(1, 16, 16)
    assert float(rival_loss(logits, mask, rival)) == pytest.approx(math.log(2))
    logits[:, :, :4], logits[:, :, 8:] = 1.0, 2.0
    expected = (math.log1p(math.exp(-1.0)) + math.log1p(math.exp(2.0))) / 2
    assert float(rival_loss(logits, mask, rival)) == pytest.approx(expected, rel=1e-6)


def test_without_rivals_the_loss_is_zero_and_has_a_gradient() -> None:
    mask, _ = halves()
    logits = torch.zeros(1, 16, 16, requires_grad=True)
    loss = rival_loss(logits, mask, torch.zeros(1, 16, 16, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.slow
def test_training_teaches_places(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    settings = TrainingSettings(
        steps=30, batch_size=4, stages=((1.0, 32),), validate_every=10, loss=LossWeights(place=2.0, rivals=0.1)
    )
    folder = train([a_data_set()], tmp_path / "model", settings)
    header, *rows = (folder / "log.csv").read_text().split()
    column = header.split(",").index("loss_place")
    losses = [float(row.split(",")[column]) for row in rows]
    assert losses[-1] < 0.5 * losses[0]
    assert "loss_rivals" in header
