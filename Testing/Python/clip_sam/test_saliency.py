"""gScoreCAM and M2IB, on images and on words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from planted_towers import PlantedTowers, finish
from published_files import SMALL
from torch.nn import functional

from MedCLIPSegLogic.clip_sam.gscorecam import GScoreCam, gscorecam, patch_gradients
from MedCLIPSegLogic.clip_sam.m2ib import M2IB, PUBLISHED, compression, m2ib
from MedCLIPSegLogic.clip_sam.saliency import TextSaliency, ensemble_vector, gscorecam_text, m2ib_text
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.clip_towers import LOGIT_SCALE, ClipTowers, to_pixels

Towers = Callable[[str], ClipTowers]
FIRST_AXIS = torch.tensor([1.0, 0, 0])
EVERY_TOWER = [*SMALL, "mini"]


def an_image(height: int = 40, width: int = 56) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (height, width, 3), dtype=np.uint8)


def peak(saliency: np.ndarray) -> tuple[float, float]:
    """Center of the most salient tenth, as shares of height and width."""
    rows, columns = np.nonzero(saliency >= np.quantile(saliency, 0.95))
    return rows.mean() / saliency.shape[0], columns.mean() / saliency.shape[1]


@pytest.mark.parametrize("flavor", EVERY_TOWER)
def test_the_patches_have_gradients(flavor: str, every_tower: Towers) -> None:
    towers = every_tower(flavor)
    image, text = towers.prepare(an_image()), towers.text_vectors(["a tumor"])[0]
    assert patch_gradients(towers, image, text)[1].abs().max() > 0


def test_the_bottleneck_finds_the_planted_patch(planted_towers: PlantedTowers, a_planted_image: np.ndarray) -> None:
    _, saliency = finish(m2ib(planted_towers, a_planted_image, FIRST_AXIS, M2IB(layer=6, beta=0.01)))
    assert saliency.shape == (64, 128)
    assert peak(saliency) == (pytest.approx(24 / 64, abs=0.05), pytest.approx(80 / 128, abs=0.05))
    # It keeps nothing of the other bright patch, which the image vector does not hear.
    assert saliency[56, 16] < 0.1 * saliency[24, 80]


def test_gscorecam_finds_the_planted_channel(planted_towers: PlantedTowers, a_planted_image: np.ndarray) -> None:
    a_planted_image[48:64, 0:32] = 25
    settings = GScoreCam(channels=1)
    _, saliency = finish(gscorecam(planted_towers, a_planted_image, FIRST_AXIS, settings))
    assert peak(saliency) == (pytest.approx(24 / 64, abs=0.05), pytest.approx(80 / 128, abs=0.05))
    _, opposite = finish(gscorecam(planted_towers, a_planted_image, torch.tensor([0, 1.0, 0]), settings))
    assert opposite[24, 80] == 0  # the channel of darkness


def test_negative_scores_weigh_the_kept_channels_alone(
    planted_towers: PlantedTowers, a_planted_image: np.ndarray
) -> None:
    """As if no other channel were there: a 0 in their place would outweigh every negative score."""
    text = functional.normalize(torch.tensor([-0.5, -1.0, -0.1]), dim=0)
    image = planted_towers.prepare(a_planted_image)
    activations, gradients = patch_gradients(planted_towers, image, text)
    kept = np.argsort(-gradients.mean(dim=0).numpy())[:2]
    scores = []
    for channel in kept:
        mask = activations[:, channel].view(1, 1, 4, 4)
        mask = functional.interpolate(mask, (32, 32), mode="bilinear", align_corners=True)
        mask = (mask - mask.min()) / (mask.max() - mask.min() + 1e-6)
        scores.append(float(LOGIT_SCALE * planted_towers.image_vectors(image.input * mask)[0] @ text))
    assert max(scores) < 0
    weights = np.exp(np.array(scores) - max(scores))
    combined = activations.numpy().astype(np.float64)[:, kept] @ (weights / weights.sum())
    expected = to_pixels(torch.from_numpy(combined).view(4, 4), image)
    _, saliency = finish(gscorecam(planted_towers, a_planted_image, text, GScoreCam(channels=2)))
    assert np.allclose(saliency, expected, atol=1e-4)
    assert expected.max() == 1


def test_a_text_nothing_speaks_for_has_a_map_of_zeros(a_planted_image: np.ndarray) -> None:
    class Opposed(PlantedTowers):
        def begin(self, images: torch.Tensor, last: int) -> torch.Tensor:
            return -super().begin(images, last)

    for settings in (GScoreCam(channels=1), GScoreCam(channels=3)):
        _, saliency = finish(gscorecam(Opposed(), a_planted_image, FIRST_AXIS, settings))
        assert saliency.shape == (64, 128)
        assert not saliency.any()  # and so no NaN


@pytest.mark.parametrize("flavor", EVERY_TOWER)
def test_a_text_against_the_image_has_a_finite_map(
    flavor: str, every_tower: Towers, monkeypatch: pytest.MonkeyPatch
) -> None:
    towers, image = every_tower(flavor), an_image()
    prepared = towers.prepare(image).input
    vectors, cosines = towers.image_vectors, []
    # Away from the image and from the mean color, between which all its masked copies lie.
    with torch.no_grad():
        text = -functional.normalize(vectors(prepared)[0] + vectors(prepared * 0)[0], dim=0)

    def watching(images: torch.Tensor) -> torch.Tensor:
        found = vectors(images)
        cosines.extend((found @ text).tolist())
        return found

    monkeypatch.setattr(towers, "image_vectors", watching)
    _, saliency = finish(gscorecam(towers, image, text, GScoreCam(channels=8)))
    assert max(cosines) < 0
    assert np.isfinite(saliency).all()
    assert (saliency.min(), saliency.max()) in ((0, 0), (0, 1))


def test_the_stable_compression_is_the_naive_one() -> None:
    gates, tokens = torch.linspace(-4, 4, 40, dtype=torch.float64), torch.linspace(-2, 3, 40, dtype=torch.float64)
    passed = gates.sigmoid()
    naive = -0.5 * (1 + ((1 - passed) ** 2).log() - (passed * tokens) ** 2 - (1 - passed) ** 2)
    assert torch.allclose(compression(gates, tokens), naive, atol=1e-12)
    assert compression(torch.tensor([200.0]), torch.tensor([1.0])).isfinite().all()


@pytest.mark.parametrize("flavor", EVERY_TOWER)
def test_maps_lie_on_the_grid_of_the_image_and_come_in_steps(flavor: str, every_tower: Towers) -> None:
    towers, image = every_tower(flavor), an_image()
    for settings, steps in ((GScoreCam(channels=5, batch=2), 4), (M2IB(steps=3, copies=2), 3)):
        count, saliency = finish(TextSaliency(towers, settings)(image, "a tumor"))
        assert count == steps
        assert (saliency.shape, saliency.dtype) == ((40, 56), np.float32)
        assert saliency.min() == 0
        assert saliency.max() in (0, 1)  # 0 where no channel speaks for the text
        again = finish(TextSaliency(towers, settings)(image, "a tumor"))[1]
        assert np.array_equal(saliency, again)
    for words in (
        m2ib_text(towers, image, "tumor polyp", M2IB(steps=6, copies=2)),
        gscorecam_text(towers, image, "tumor polyp", GScoreCam(channels=4)),
    ):
        weights = finish(words)[1]
        assert [word for word, _ in weights] == ["tumor", "polyp"]
        assert all(0 <= weight <= 1 for _, weight in weights)
        assert max(weight for _, weight in weights) == 1


def test_the_noise_has_a_seed_of_its_own(some_towers: Towers) -> None:
    towers, image = some_towers("biomedclip"), an_image()
    maps = [finish(TextSaliency(towers, M2IB(steps=3, copies=2, seed=seed))(image, "a tumor"))[1] for seed in (1, 2)]
    assert not np.array_equal(*maps)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    finish(TextSaliency(towers, M2IB(steps=1, copies=1))(image, "a tumor"))
    assert torch.equal(before, torch.get_rng_state())


def test_a_single_word_has_all_the_weight(every_tower: Towers) -> None:
    towers = every_tower("mini")
    assert finish(m2ib_text(towers, an_image(), "polyp", M2IB(steps=2, copies=2)))[1] == [("polyp", 1.0)]
    assert finish(gscorecam_text(towers, an_image(), "polyp", GScoreCam(channels=4)))[1] == [("polyp", 1.0)]


def test_an_ensemble_is_the_mean_of_unit_vectors(some_towers: Towers) -> None:
    towers = some_towers("clip")
    first, second = towers.text_vectors(["a tumor", "polyp"])
    mean = (first + second) / 2
    assert torch.allclose(ensemble_vector(towers, ["a tumor", "polyp"]), mean / mean.norm(), atol=1e-6)
    image = an_image()
    settings = M2IB(steps=6, copies=2)
    together = finish(TextSaliency(towers, settings, {"P4": ["a tumor", "polyp"]})(image, "P4"))[1]
    assert not np.array_equal(together, finish(TextSaliency(towers, settings)(image, "a tumor"))[1])


def test_the_published_settings_scale_with_the_depth() -> None:
    assert [PUBLISHED[name].layer_of(12) for name in ("default", "brain", "breast")] == [7, 9, 9]
    assert PUBLISHED["brain"].layer_of(6) == 4
    assert M2IB(layer=10).layer_of(2) == 0


def test_the_published_share_of_channels_scales_with_the_width(
    some_towers: Towers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [GScoreCam().channels_of(width) for width in (768, 192, 24, 1)] == [300, 75, 9, 1]
    assert [GScoreCam(channels=5).channels_of(width) for width in (192, 4)] == [5, 4]
    towers, masked = some_towers("biomedclip"), 0
    vectors = towers.image_vectors

    def counting(images: torch.Tensor) -> torch.Tensor:
        nonlocal masked
        masked += len(images)
        return vectors(images)

    monkeypatch.setattr(towers, "image_vectors", counting)
    for settings, kept in ((GScoreCam(), 9), (GScoreCam(channels=5), 5)):
        masked = 0
        finish(gscorecam(towers, an_image(), towers.text_vectors(["a tumor"])[0], settings))
        assert masked == kept


def test_settings_check_themselves() -> None:
    wrong: list[dict[str, Any]] = [{"layer": 11}, {"steps": 0}, {"copies": 0}, {"beta": -1}, {"rate": 0}, {"seed": -1}]
    for values in wrong:
        with pytest.raises(MedCLIPSegError, match=f"The {next(iter(values))} is "):
            M2IB(**values)
    with pytest.raises(MedCLIPSegError, match="The channels is 0"):
        GScoreCam(channels=0)
