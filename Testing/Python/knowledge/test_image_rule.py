"""The rule that names kinds of image: what it says, and what it refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from MedCLIPSegLogic.checked import from_json
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.knowledge.image_rule import ImageRule, packed

WEIGHTS = np.array([[4.0, 0, 0], [0, 4, 0], [0, 0, 4]])


def a_rule(**changes: object) -> ImageRule:
    """Each kind by a feature of its own; the third one is not known."""
    fields: dict[str, object] = {
        "kinds": ("ultrasound", "MRI", "chest X-ray"),
        "known": 2,
        "limit": 0.7,
        "center": packed([1.0, 1, 1]),
        "scale": packed([2.0, 2, 2]),
        "weights": packed(WEIGHTS, "<f2"),
        "bias": packed([0.0, 0, 0]),
    }
    return ImageRule(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_known_image_has_its_kind_and_a_foreign_one_a_name() -> None:
    known = a_rule().sight(np.array([1, 5, 1], np.float32))
    assert (known.kind, known.looks_like, known.is_foreign) == ("MRI", "MRI", False)
    foreign = a_rule().sight(np.array([1, 1, 5], np.float32))
    assert (foreign.kind, foreign.looks_like, foreign.is_foreign) == (None, "chest X-ray", True)


def test_the_share_of_foreign_kinds_is_that_of_a_softmax() -> None:
    logits = WEIGHTS @ (np.array([2, 3, 2.5]) - 1) / 2
    share = np.exp(logits[2]) / np.exp(logits).sum()
    sight = a_rule(limit=0.2).sight(np.array([2, 3, 2.5], np.float32))
    assert sight.foreign == pytest.approx(share, rel=1e-5)
    assert sight.is_foreign == (share >= 0.2)
    assert a_rule(limit=float(share) + 0.01).sight(np.array([2, 3, 2.5], np.float32)).is_foreign is False


def test_one_wild_feature_does_not_decide_by_its_size() -> None:
    features = np.array([1e9, 1, 1], np.float32)
    assert a_rule().sight(features) == a_rule().sight(np.array([13, 1, 1], np.float32))


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": packed(WEIGHTS[:2], "<f2")},
        {"bias": packed([0.0])},
        {"scale": packed([1.0, 0, 1])},
        {"center": packed([np.nan, 0, 0])},
        {"center": "no numbers"},
        {"center": ""},
        {"known": 3},
        {"limit": 1.0},
    ],
)
def test_damaged_numbers_are_refused_when_read(changes: dict[str, object]) -> None:
    damaged = {**dataclasses.asdict(a_rule()), **changes}
    with pytest.raises(MedCLIPSegError) as refusal:
        from_json(ImageRule, damaged)
    assert "\n" not in str(refusal.value)


def test_features_of_another_network_are_refused() -> None:
    with pytest.raises(MedCLIPSegError, match="medclipseg know"):
        a_rule().sight(np.zeros(4, np.float32))
