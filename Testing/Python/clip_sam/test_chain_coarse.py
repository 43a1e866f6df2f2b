"""From a saliency map to a coarse mask, its objects, and what SAM is told of them."""

from __future__ import annotations

import itertools
from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from MedCLIPSegLogic.clip_sam.coarse import binarize, otsu_threshold, two_means_threshold
from MedCLIPSegLogic.clip_sam.dense_crf import Lattice, refine
from MedCLIPSegLogic.clip_sam.objects import find_components, only_within, point_out
from MedCLIPSegLogic.clip_sam.rules import ComponentRule, PromptRule

METHODS: tuple[Literal["otsu", "two-means", "crf"], ...] = ("otsu", "two-means", "crf")
GREY = np.full((60, 80, 3), 90, np.uint8)


def smooth_map(seed: int, size: tuple[int, int] = (120, 160)) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=size)
    blurred = cv2.GaussianBlur(noise, (0, 0), 12)
    return ((blurred - blurred.min()) / np.ptp(blurred)).astype(np.float32)


def within_variance(values: NDArray[np.float32], threshold: float) -> float:
    low, high = values[values <= threshold], values[values > threshold]
    return float(low.size * low.var() + high.size * high.var())


def test_otsu_and_two_means_make_the_variance_smallest_and_agree() -> None:
    shares = []
    for seed in range(6):
        saliency = smooth_map(seed)
        candidates = (np.arange(1, 255) + 0.5) / 255
        best = min(within_variance(saliency.astype(np.float64), t) for t in candidates)
        for threshold in (otsu_threshold(saliency), two_means_threshold(saliency)):
            assert within_variance(saliency.astype(np.float64), threshold) == pytest.approx(best, rel=2e-3)
        otsu, means = (binarize(saliency, GREY, method).mask for method in ("otsu", "two-means"))
        shares.append((otsu != means).mean())
    assert max(shares) < 0.02


def test_the_score_lies_above_half_exactly_in_the_mask() -> None:
    saliency = smooth_map(1, (60, 80))
    for method in METHODS:
        coarse = binarize(saliency, GREY, method)
        assert 0 < coarse.mask.sum() < coarse.mask.size
        assert np.array_equal(coarse.score > 0.5, coarse.mask)
        assert coarse.score.min() >= 0
        assert coarse.score.max() <= 1
        if method != "crf":
            assert np.array_equal(coarse.mask, saliency > coarse.threshold)
            assert (np.diff(coarse.score.ravel()[np.argsort(saliency.ravel())]) >= 0).all()


def test_a_map_without_contrast_shows_nothing() -> None:
    for method, value in itertools.product(METHODS, (0.0, 0.7, 1.0)):
        coarse = binarize(np.full((60, 80), value, np.float32), GREY, method)
        assert not coarse.mask.any()
        assert coarse.threshold is None


@pytest.mark.parametrize(("dimensions", "closeness"), [(3, 0.995), (5, 0.9)])
def test_the_lattice_filters_as_the_exact_gaussian_does(dimensions: int, closeness: float) -> None:
    rng = np.random.default_rng(0)
    features, values = rng.normal(size=(1200, dimensions)) * 1.5, rng.random(1200)
    distances = ((features[:, None] - features[None]) ** 2).sum(axis=-1)
    kernel = np.exp(-0.5 * distances)
    lattice = Lattice.around(features)
    assert lattice.weights.min() > -1e-9
    assert np.allclose(lattice.weights.sum(axis=1), 1)
    sums, ours = kernel.sum(axis=1), lattice.filter(np.ones(1200))
    assert np.corrcoef(sums, ours)[0, 1] > 0.99
    exact_values = kernel @ (values / np.sqrt(sums)) / np.sqrt(sums)
    our_values = lattice.filter(values / np.sqrt(ours)) / np.sqrt(ours)
    assert np.corrcoef(exact_values, our_values)[0, 1] > closeness


def test_the_crf_is_the_published_step_computed_exactly() -> None:
    """One mean-field step with dense kernels, on an image small enough for them."""
    rng = np.random.default_rng(3)
    image = np.repeat(rng.choice([60, 180], (14, 18, 1)).astype(np.uint8), 3, axis=2)
    saliency = cv2.GaussianBlur(rng.random((14, 18)), (0, 0), 3).astype(np.float32)
    saliency = (saliency - saliency.min()) / np.ptp(saliency)
    rows, columns = np.mgrid[:14, :18].reshape(2, -1)
    place = np.column_stack([rows, columns]).astype(float)
    color = image.reshape(-1, 3).astype(float)

    def kernel(*features: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = np.column_stack(features)
        dense = np.exp(-0.5 * ((flat[:, None] - flat[None]) ** 2).sum(axis=-1))
        scale = 1 / np.sqrt(dense.sum(axis=1))
        return scale[:, None] * dense * scale

    share = np.stack([1 - saliency.ravel(), saliency.ravel()]).astype(float)
    unary = -np.log(share + 1e-8) / (1.05 / (1 + np.exp(-share)))
    belief = np.exp(-unary) / np.exp(-unary).sum(axis=0)
    energy = -unary + belief @ (3 * kernel(place / 3) + 5 * kernel(place / 60, color / 5))
    exact = (np.exp(energy) / np.exp(energy).sum(axis=0))[1].reshape(14, 18)
    assert np.abs(refine(saliency, image) - exact).max() < 0.02


def test_the_crf_moves_a_blurred_border_to_the_edge_of_the_image() -> None:
    truth = np.zeros((60, 80), np.bool_)
    truth[15:45, 20:60] = True
    image = np.where(truth[..., None], np.uint8(170), np.uint8(80)).repeat(3, axis=2)
    off = np.roll(truth, 5, axis=1).astype(np.float32)
    saliency = cv2.GaussianBlur(off, (0, 0), 6)
    saliency = (saliency - saliency.min()) / np.ptp(saliency)

    def wrong(mask: NDArray[np.bool_]) -> int:
        return int((mask != truth).sum())

    refined = refine(saliency, image, iterations=5) > 0.5
    assert wrong(refined) < 0.2 * wrong(saliency > 0.5)


def two_parts() -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """A large faint part and a small bright one, which touches the border."""
    saliency = np.zeros((40, 50), np.float32)
    saliency[5:25, 5:25] = 0.4
    saliency[30:40, 40:50] = 0.9
    return saliency > 0.3, saliency


def test_components_have_box_area_and_confidence() -> None:
    large, small = find_components(*two_parts(), ComponentRule())
    assert (large.box, large.area) == ((5, 5, 24, 24), 400)
    assert (small.box, small.area) == ((40, 30, 49, 39), 100)
    assert (large.confidence, small.confidence) == (pytest.approx(0.4), pytest.approx(0.9))
    assert large.mask.sum() == 400


def test_components_are_kept_by_confidence_and_number() -> None:
    assert [c.area for c in find_components(*two_parts(), ComponentRule(confidence=0.5))] == [100]
    assert [c.area for c in find_components(*two_parts(), ComponentRule(most=1))] == [400]
    assert find_components(*two_parts(), ComponentRule(confidence=0.95)) == []
    diagonal = np.eye(5, dtype=np.bool_)
    assert len(find_components(diagonal, diagonal.astype(np.float32), ComponentRule())) == 1
    mask, saliency = two_parts()
    kept = find_components(mask, saliency, ComponentRule(confidence=0.5))
    capped = only_within(saliency, kept, 0.2)
    assert (capped[5:25, 5:25] == np.float32(0.2)).all()
    assert (capped[30:, 40:] == np.float32(0.9)).all()


def test_boxes_grow_by_their_share_and_stay_in_the_image() -> None:
    large, small = find_components(*two_parts(), ComponentRule())
    assert point_out(large, PromptRule("box"), (0,)).box == (5, 5, 24, 24)
    assert point_out(large, PromptRule("box", padding=0.1), (0,)).box == (3, 3, 26, 26)
    assert point_out(small, PromptRule("both", padding=0.5), (0,)).box == (35, 25, 49, 39)
    assert point_out(small, PromptRule("points"), (0,)).box is None
    assert len(point_out(small, PromptRule("box"), (0,)).points) == 0


def test_points_lie_inside_away_from_the_border_and_repeat() -> None:
    large, small = find_components(*two_parts(), ComponentRule())
    first = point_out(large, PromptRule("points"), (7, 1)).points
    assert first.shape == (10, 2)
    assert len(np.unique(first, axis=0)) == 10
    columns, rows = first.astype(int).T
    assert large.mask[rows, columns].all()
    assert np.array_equal(first, point_out(large, PromptRule("points"), (7, 1)).points)
    assert not np.array_equal(first, point_out(large, PromptRule("points"), (8, 1)).points)
    inner = point_out(large, PromptRule("points", padding=0.2, points=50), (0,)).points
    assert inner.min() >= 9
    assert inner.max() <= 20
    assert len(point_out(small, PromptRule("points", padding=1.0, points=1000), (0,)).points) == 100
