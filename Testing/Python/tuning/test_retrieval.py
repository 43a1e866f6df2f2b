"""Retrieval scores of vectors whose answer is known."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from MedCLIPSegLab.tuning.retrieval import RetrievalScores, score_retrieval
from MedCLIPSegLogic.checked import from_json


def test_every_pair_finds_its_own_kind() -> None:
    vectors = torch.eye(120)
    scores = score_retrieval(vectors, vectors)
    for name in ("image_to_text_top_1", "image_to_text_top_2", "text_to_image_top_1", "text_to_image_top_2"):
        assert (getattr(scores, name).mean, getattr(scores, name).std) == (1.0, 0.0)
    assert (scores.pairs, scores.top_1, scores.top_2) == (120, 1.0, 1.0)


def test_random_vectors_find_what_chance_finds() -> None:
    generator = torch.Generator().manual_seed(0)
    images, texts = (functional.normalize(torch.randn(6000, 8, generator=generator), dim=1) for _ in range(2))
    scores = score_retrieval(images, texts)
    assert (scores.chance_top_1, scores.chance_top_2) == (0.02, 0.04)
    for share, chance in ((scores.image_to_text_top_1, 0.02), (scores.text_to_image_top_2, 0.04)):
        assert share.mean == pytest.approx(chance, abs=0.003)
        assert 0 < share.std < 0.005


def test_equal_vectors_are_a_guess() -> None:
    scores = score_retrieval(torch.ones(50, 1), torch.ones(50, 1))
    assert (scores.top_1, scores.top_2) == pytest.approx((0.02, 0.04))
    assert score_retrieval(torch.ones(10, 1), torch.ones(10, 1)).chance_top_1 == 0.1


def test_directions_and_ranks_are_told_apart() -> None:
    # The first image is nearest to the second text, the first text still to the first image.
    images = torch.tensor([[0.8, 0.6], [0.0, 1.0]])
    texts = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    scores = score_retrieval(images, texts)
    assert scores.image_to_text_top_1.mean == 0.5
    assert scores.text_to_image_top_1.mean == 0.5
    assert scores.image_to_text_top_2.mean == 1.0
    drawn_to_the_first = functional.normalize(torch.eye(3) + torch.tensor([2.0, 0, 0]), dim=1)
    hub = score_retrieval(torch.eye(3), drawn_to_the_first)
    assert hub.image_to_text_top_1.mean == 1.0
    assert hub.text_to_image_top_1.mean == pytest.approx(1 / 3)


def test_the_same_seed_gives_the_same_shuffles() -> None:
    generator = torch.Generator().manual_seed(1)
    images, texts = (functional.normalize(torch.randn(200, 4, generator=generator), dim=1) for _ in range(2))
    first = score_retrieval(images, texts, seed=3)
    assert first == score_retrieval(images, texts, seed=3)
    assert first != score_retrieval(images, texts, seed=4)
    assert from_json(RetrievalScores, dataclasses.asdict(first)) == first
