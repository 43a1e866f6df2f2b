"""Words by kind of image: what is asked for, what cannot be there, and left and right."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from kind_prompting import KindPrompting
from kinds import Kinds, prepared, read_kinds
from pack import SETS
from packed import PackedItem

from MedCLIPSegLab.training.data import TrainingSet
from MedCLIPSegLab.training.settings import PromptStyles, TrainingSettings

RIGHT_LUNG = "one medium oval right lung in the frontal chest x-ray, located in left of the image"
LEFT_VENTRICLE = "small oval left ventricle in the cardiac MRI slice, located in center of the image"
BREAST = "One small oval-shaped malignant tumor at the top left in the breast ultrasound image."


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return read_kinds()


def training_set(name: str, text: str, kind: str) -> TrainingSet:
    mask = np.zeros((8, 8), np.uint8)
    mask[2:5, 0:3] = 1
    item = PackedItem(np.zeros((8, 8, 3), np.uint8), ((text, mask),), True, False, (kind,))
    return TrainingSet(name, (item,), 1)


def test_every_packed_set_has_its_words(kinds: Kinds) -> None:
    assert set(kinds.sets) == set(SETS)
    for kind in kinds.sets.values():
        trained = {word for names in kind.names.values() for word in names} | set(kind.specific)
        assert trained.isdisjoint(kind.held_out)


def test_what_a_picture_could_show_is_not_foreign(kinds: Kinds) -> None:
    assert kinds.are_foreign("BUSI", "Kvasir")
    assert kinds.are_foreign("CXRPediatric", "SpleenCT")
    assert not kinds.are_foreign("BRISC", "MSDHippocampus")
    assert not kinds.are_foreign("SpleenCT", "HepaticCT")
    assert not any(kinds.are_foreign(name, name) for name in kinds.sets)


def test_mirrored_pictures_swap_the_sides_of_the_body(kinds: Kinds) -> None:
    first, second = prepared(training_set("CXRPediatric", RIGHT_LUNG, "right_lung"), kinds.sets["CXRPediatric"]).items
    assert isinstance(second, PackedItem)
    assert second.classes == ("left_lung",)
    assert second.targets[0][0].startswith("one medium oval left lung")
    assert "located in right of the image" in second.targets[0][0]
    assert np.array_equal(second.targets[0][1], first.targets[0][1][:, ::-1])
    assert not first.is_picture
    assert not second.is_picture


def test_classes_that_are_not_labeled_are_asked_for_in_vain(kinds: Kinds) -> None:
    (item,) = prepared(training_set("HeartMRI", LEFT_VENTRICLE, "left_ventricle"), kinds.sets["HeartMRI"]).items
    assert len(item.targets) > 2
    assert all(not mask.any() for _, mask in item.targets[1:])
    assert all("cardiac MRI slice" in text for text, _ in item.targets)


def test_prompts_name_the_thing_or_leave_the_mask_empty(kinds: Kinds) -> None:
    sets = [training_set("BUSI", BREAST, ""), training_set("CXRPediatric", RIGHT_LUNG, "right_lung")]
    settings = dataclasses.replace(
        TrainingSettings(), negative_share=0.0, styles=dataclasses.replace(PromptStyles(), absent=0.0)
    )
    prompting, rng = KindPrompting(sets, settings, kinds), np.random.default_rng(0)
    asked = [prompting(0, BREAST, sets[0].items[0].targets[0][1], rng) for _ in range(600)]
    found = [text.lower() for text, mask in asked if mask.any()]
    absent = [text.lower() for text, mask in asked if not mask.any()]
    assert 0.15 < len(absent) / len(asked) < 0.35
    assert any("cancer" in text for text in found)
    assert any("nodules" in text for text in found)
    assert any("lung" in text for text in absent)
    assert not any("right lung" in text for text in found)
