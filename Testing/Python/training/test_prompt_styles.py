"""Prompt styles, and what is held out of them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from MedCLIPSegLab.data import prompt_words, rewording
from MedCLIPSegLab.data.wordings import wordings
from MedCLIPSegLab.training.data import TrainingItem, TrainingSet
from MedCLIPSegLab.training.prompting import Prompting, style_prompt
from MedCLIPSegLab.training.settings import PromptStyles, TrainingSettings
from MedCLIPSegLogic.errors import MedCLIPSegError

POLYP = "one small orange oval polyp, located in bottom right of the image"
BREAST = "Three small square-shaped malignant tumors at the top, center in the breast ultrasound image."


def many(text: str, styles: PromptStyles, count: int = 300) -> list[str]:
    rng = np.random.default_rng(0)
    return [style_prompt(text, styles, rng) for _ in range(count)]


def only(**shares: float) -> PromptStyles:
    return PromptStyles(**{**dict.fromkeys(vars(PromptStyles()), 0.0), **shares})


def test_without_styles_prompts_stay_as_given() -> None:
    assert set(many(POLYP, only())) == {POLYP}


def test_short_prompts_say_neither_place_nor_size() -> None:
    shorts = many(POLYP, only(short=1.0))
    assert len(set(shorts)) > 20
    for text in shorts:
        assert "polyp" in text.lower()
        assert not {"small", "orange", "bottom", "right"} & set(re.findall(r"[a-z]+", text.lower()))
    assert any("tumor" in text for text in many(BREAST, only(short=1.0)))
    assert not any("tumors" in text for text in many(BREAST, only(short=1.0)))


def test_parts_are_kept_in_short_prompts() -> None:
    assert all("posterior" in text.lower() for text in many("Posterior hippocampus, the body", only(short=1.0)))


def test_the_thing_is_named_in_the_singular() -> None:
    texts = (POLYP, BREAST, "Posterior hippocampus, the body", "two masses", "both lungs")
    assert [rewording.thing(text) for text in texts] == [
        "polyp",
        "malignant tumor",
        "posterior hippocampus",
        "mass",
        "lung",
    ]


def test_sizes_are_randomized() -> None:
    sizes = {re.findall(r"tiny|small|medium|large|big|huge", text)[0] for text in many(POLYP, only(random_size=1.0))}
    assert sizes == set(wordings().sizes)
    assert any("large polyp" in text for text in many("a polyp", only(random_size=1.0)))


def test_places_are_randomized() -> None:
    places = set(wordings().places)
    told = [re.findall(r"located in ([a-z ]+) of the image", text) for text in _misplaced(POLYP)]
    assert {place for found in told for place in found} == places
    assert all(re.search(r"malignant tumors? at the [a-z ]+ in the breast", text) for text in _misplaced(BREAST))
    for text in _misplaced("a polyp"):
        assert re.search(rf"a polyp in the ({'|'.join(places)}) of the image", text)
    assert all("left lung" in text for text in _misplaced("the left lung"))
    assert set(_misplaced("no tumor at the left")) == {"no tumor at the left"}


def _misplaced(text: str) -> list[str]:
    return many(text, only(random_place=1.0))


def test_synonyms_keep_the_number() -> None:
    texts = many(BREAST, only(synonyms=1.0))
    assert len({*texts}) > 4
    assert any("masses" in text for text in texts)
    assert not any(re.search(r"\b(mass|lesion|tumor)\b", text) for text in texts)


def test_the_same_words_in_another_order() -> None:
    assert rewording.reorder("Hippocampus in the brain MRI") == "In the brain MRI, hippocampus"
    assert rewording.reorder("a polyp") == "a polyp"


def test_over_described_prompts_hold_the_prompt() -> None:
    assert all(POLYP in text for text in many(POLYP, only(overdescriptive=1.0)))


def test_no_gap_stays_open() -> None:
    styles = [only(short=1.0), only(overdescriptive=1.0), only(random_place=1.0), only(contradictory=1.0)]
    assert not any(re.search(r"[{}]", text) for style in styles for text in many(POLYP, style, 600))


def test_unknown_words_stand_around_the_thing() -> None:
    known = set(re.findall(r"[a-z]+", " ".join([POLYP, *wordings().short, *wordings().around]).lower()))
    known |= {word for nouns in wordings().synonyms.values() for noun in nouns for word in noun.split()}
    texts = many(POLYP, only(short=1.0), 600)
    strange = [text for text in texts if not set(re.findall(r"[a-z]+", text.lower())) <= known]
    assert len(strange) / len(texts) == pytest.approx(rewording.UNKNOWN_WORD_SHARE, abs=0.05)
    assert all("polyp" in text.lower() for text in strange)


def test_absence_is_also_said_in_another_order() -> None:
    texts = set(many("No tumor in the breast ultrasound image.", only(synonyms=1.0)))
    assert texts == {"In the breast ultrasound image, no tumor"}


def test_absence_is_said_in_other_words_but_never_turned_around() -> None:
    texts = many("No tumor in the breast ultrasound image.", only(short=1.0))
    assert len(set(texts)) > 4
    assert all(
        re.search(r"\b(no|not|none|nothing|free|without|normal|healthy)\b", text, re.IGNORECASE) for text in texts
    )


def test_wordings_of_the_evaluation_are_held_out() -> None:
    data = wordings()
    trained = {text.lower() for text in (*data.short, *data.overdescriptive, *data.mosaic)}
    assert trained.isdisjoint(text.lower() for text in data.neutral)
    asked = {thing for things in data.absent_things.values() for thing in things}
    assert asked.isdisjoint(thing for things in data.unseen_things.values() for thing in things)
    # Nor are the under-descriptive sheets of the published test sets among the templates.
    assert not any(text.rstrip(".").endswith(" visible") for text in trained)


def test_every_word_of_place_is_one_that_a_flip_swaps() -> None:
    templates = wordings().one_of_several
    for first, second in (("left", "right"), ("top", "bottom")):
        for one, other in zip(templates[first], templates[second], strict=True):
            assert prompt_words.swap_words(one, horizontal=True, vertical=True) == other


def test_absent_things_lie_in_other_parts_of_the_body() -> None:
    data = wordings()
    for held_out in (False, True):
        things = data.things_elsewhere({"polyp", "colon"}, held_out)
        assert things
        assert not any(re.search("polyp|colon|liver|kidney|appendix", thing) for thing in things)
    assert data.things_elsewhere(set()) == []


def test_absent_things_also_stand_in_the_prompt_of_the_image() -> None:
    """So that the words around the thing do not find it."""
    mask = np.ones((8, 8), np.uint8)
    items = (TrainingItem(np.zeros((8, 8, 3), np.uint8), (("one polyp in the colon", mask),), True, True),)
    settings = TrainingSettings(styles=only(absent=1.0), negative_share=0)
    ask = Prompting([TrainingSet("polyps", items, 1)], settings)
    asked = [ask(0, "one polyp in the colon", mask, np.random.default_rng(seed)) for seed in range(200)]
    assert not any(truth.any() for _, truth in asked)
    assert not any("polyp" in text for text, _ in asked)
    in_place = [text for text, _ in asked if text.startswith("one ") and text.endswith(" in the colon")]
    assert 50 < len(in_place) < 110
    assert len({text.removeprefix("one ") for text in in_place}) > 20


def test_growths_are_things_when_their_kind_is_named() -> None:
    for text, thing in [
        ("Abnormal glioma growth observed in the left part of the brain.", "glioma growth"),
        ("Imaging reveals a meningioma abnormality located in the center.", "meningioma abnormality"),
        ("Detected abnormal growth of meningioma tumor in the right part.", "meningioma tumor"),
    ]:
        assert prompt_words.named_target(text) == thing


def test_bad_shares_are_refused() -> None:
    for shares, words in [({"short": -0.1}, "short is -0.1"), ({"short": 0.9}, "more than 1")]:
        with pytest.raises(MedCLIPSegError, match=words):
            PromptStyles(**shares)
