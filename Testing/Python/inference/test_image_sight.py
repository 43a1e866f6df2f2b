"""What an image looks like: features of the tower, and names by the two towers of CLIP."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from MedCLIPSegLogic.inference import naming
from MedCLIPSegLogic.inference.clip_towers import ClipTowers, PreparedImage
from MedCLIPSegLogic.inference.image_sight import image_features, look, model_input
from MedCLIPSegLogic.inference.naming import kind_sentences, name_kind
from MedCLIPSegLogic.knowledge.sight import ImageSight
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.model.manifest import zoo
from MedCLIPSegLogic.model.states import TextState


def a_slice(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 56), np.uint8)


def test_features_of_a_picture_do_not_depend_on_its_batch(a_model: LoadedModel) -> None:
    inputs = [model_input(a_model, a_slice(seed)) for seed in range(3)]
    together = image_features(a_model.network, inputs)
    alone = np.concatenate([image_features(a_model.network, [one]) for one in inputs])
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(np.unique(together.round(3), axis=0)) == 3


def test_features_are_means_and_deviations_of_the_tokens(a_model: LoadedModel) -> None:
    image = model_input(a_model, a_slice(0))
    with torch.inference_mode():
        tokens = a_model.network.encode_images(image[None]).tokens[0, 1:].numpy()
    width = tokens.shape[1]
    features = image_features(a_model.network, [image])[0]
    assert features[:width] == pytest.approx(tokens.mean(axis=0), abs=1e-5)
    assert features[width : 2 * width] == pytest.approx(tokens.std(axis=0, ddof=1), abs=1e-5)


def test_a_model_that_recorded_nothing_and_is_no_clip_cannot_tell(a_model: LoadedModel) -> None:
    assert look(a_model, a_slice(0)) == ImageSight()


class _Towers(ClipTowers):
    """Each kind of image has an axis of its own; a picture is as bright as the number of its kind."""

    def __init__(self, network: object, tokenizer: object) -> None:
        self._axes = torch.eye(len(kind_sentences()))

    def prepare(self, pixels: np.ndarray) -> PreparedImage:
        return PreparedImage(torch.tensor(int(pixels.mean())), None)  # type: ignore[arg-type]

    def image_vectors(self, images: torch.Tensor) -> torch.Tensor:
        return self._axes[images][None]

    def tokenize(self, prompts: Sequence[str]) -> torch.Tensor:
        of_kind = [number for number, sentences in enumerate(kind_sentences().values()) for _ in sentences]
        assert len(of_kind) == len(prompts)
        return torch.tensor(of_kind)[:, None] + 1

    def begin_text(self, token_ids: torch.Tensor, last: int) -> tuple[torch.Tensor, TextState]:
        return token_ids, None  # type: ignore[return-value]

    def finish_text(self, tokens: torch.Tensor, first: int, state: TextState) -> torch.Tensor:
        return self._axes[tokens[:, 0] - 1]


@pytest.mark.parametrize(
    ("name", "shown", "kind", "is_foreign"),
    [
        ("busi", "breast ultrasound", "breast ultrasound", False),
        ("busi", "chest CT", None, True),
        ("covid19", "chest X-ray", "chest X-ray", False),
        ("of my own", "chest CT", None, False),
    ],
)
def test_clip_towers_name_the_image_and_the_list_of_models_says_what_is_at_home(
    name: str, shown: str, kind: str | None, is_foreign: bool, a_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "ClipTowers", _Towers)
    monkeypatch.setattr(naming, "FLAVORS", {a_model.config.flavor: a_model.config})
    monkeypatch.setattr(naming, "_vectors", {})
    pixels = np.full((8, 8), list(kind_sentences()).index(shown), np.uint8)
    sight = name_kind(dataclasses.replace(a_model, name=name), pixels)
    assert (sight.kind, sight.looks_like, sight.is_foreign) == (kind, shown, is_foreign)


def test_every_published_model_has_a_home_among_the_kinds() -> None:
    homes = [entry.modality for entry in zoo().values() if entry.kind == "model"]
    assert all(any(home.startswith(kind) for kind in kind_sentences()) for home in homes)
