"""A prompt is understood only as far as that was measured, and whatever is not gets a suggestion."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_words import BRAIN, BREAST, COLON, KNOWN, SKIN

from MedCLIPSegLab.data.rewording import fill, unknown_word
from MedCLIPSegLab.data.wordings import wordings
from MedCLIPSegLogic.datasets.sheets import read_sheet
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.knowledge.understanding import Understanding, understand

PROBES = Path(__file__).parents[2] / "Data" / "Probes"
THINGS = {BREAST: "tumor", COLON: "polyp", BRAIN: "hippocampus", SKIN: "skin lesion"}


@pytest.mark.parametrize(
    ("prompt", "kind", "suggestion", "unknown"),
    [
        ("cancer", BREAST, "tumor", ("cancer",)),
        ("nodule", BREAST, "tumor", ("nodule",)),
        ("tumors", BREAST, "tumor", ("tumors",)),
        ("CANCER", BREAST, "Tumor", ("CANCER",)),
        ("Cancer at the top left", BREAST, "Tumor at the top left", ("Cancer",)),
        ("breast cancer", BREAST, "breast tumor", ("cancer",)),
        ("two small tumors on the left", BREAST, "small tumor on the left", ("tumors",)),
        ("tumro", BREAST, "tumor", ("tumro",)),
        ("bengin tumors", BREAST, "benign tumors", ("tumors", "bengin")),
        ("asdfgh", BREAST, "tumor", ("asdfgh",)),
        ("kidney", BREAST, "tumor", ("kidney",)),
        ("kidney tumor", BREAST, "tumor", ("kidney",)),
        ("glioma", BREAST, "tumor", ("glioma",)),
        ("tumor in the brain", BREAST, "tumor", ("brain",)),
        ("hemorrhage of the tumor", BREAST, "the tumor", ("hemorrhage",)),
        ("", BREAST, "tumor", ()),
        ("adenoma", COLON, "polyp", ("adenoma",)),
        ("bleeding from the polyp", COLON, "the polyp", ("bleeding",)),
        ("tumor", COLON, "polyp", ("tumor",)),
        ("naevus", SKIN, "mole", ("naevus",)),
        ("hipocampuss", BRAIN, "hippocampus", ("hipocampuss",)),
        ("hippocampi", BRAIN, "hippocampus", ("hippocampi",)),
        ("glioma cancer", BRAIN, None, ("cancer",)),
    ],
)
def test_what_is_not_understood_has_a_suggestion(
    prompt: str, kind: str, suggestion: str | None, unknown: tuple[str, ...]
) -> None:
    found = understand(prompt, KNOWN, kind)
    assert found.unknown == unknown
    if suggestion is None:  # a known thing stands beside it, which is what is asked for
        assert found.is_understood
        return
    assert not found.is_understood
    assert found.thing is None
    assert found.asked == prompt
    assert found.suggestions[0] == suggestion
    assert all(understand(each, KNOWN, kind).is_understood for each in found.suggestions)


@pytest.mark.parametrize(
    ("prompt", "kind", "thing", "unknown"),
    [
        ("TUMOR", BREAST, "tumor", ()),
        ("two small benign tumors", BREAST, "tumor", ()),
        ("juicy tumor", BREAST, "tumor", ("juicy",)),
        ("one small kidney-shaped tumor", BREAST, "tumor", ()),
        ("tumor with calcification", BREAST, "tumor", ("calcification",)),
        ("a fingerprint-like lesion, fingerprint", BREAST, "tumor", ("fingerprint",)),
        ("polyp of the sigmoid colon", COLON, "polyp", ()),
        ("pituitary tumor of the head", BRAIN, "tumor", ()),
        ("Anterior hippocampus, the head", BRAIN, "anterior hippocampus", ()),
        ("Detected abnormal growth of meningioma tumor in the right part.", BRAIN, "tumor", ()),
        ("one large red heart skin melanoma which is a rough wound on skin", SKIN, "skin lesion", ()),
    ],
)
def test_what_was_measured_is_understood(prompt: str, kind: str, thing: str, unknown: tuple[str, ...]) -> None:
    found = understand(prompt, KNOWN, kind)
    assert (found.is_understood, found.thing, found.unknown, found.known_on) == (True, thing, unknown, ())
    assert (found.asked, found.denies) == (prompt, False)


def test_things_of_other_kinds_are_known_elsewhere() -> None:
    polyp = understand("one small polyp", KNOWN, BREAST)
    assert (polyp.is_understood, polyp.thing, polyp.known_on) == (True, "polyp", (COLON,))
    assert polyp.suggestions == ("tumor",)
    assert understand("hippocampus", KNOWN, SKIN).known_on == (BRAIN,)
    # What may mean anything is not said to be absent: a polyp is a mass.
    for prompt in ("mass", "benign tumors", "malignant tumor"):
        assert not understand(prompt, KNOWN, COLON).is_understood


def test_kinds_with_like_names_may_show_the_same_things() -> None:
    """So nobody can say that it is not there."""
    kinds = {**KNOWN.kinds, "knee MRI": KnownKind(images=9, things={"meniscus": KnownThing(images=9, dice=0.8)})}
    known = Knowledge(kinds=kinds, words=KNOWN.words)
    assert not understand("meniscus", known, BRAIN).is_understood
    assert understand("meniscus", known, BREAST).known_on == ("knee MRI",)


@pytest.mark.parametrize("kind", [None, "no such kind"])
def test_without_a_kind_all_kinds_count(kind: str | None) -> None:
    for prompt in ("tumor", "polyp", "melanoma", "anterior hippocampus"):
        found = understand(prompt, KNOWN, kind)
        assert (found.is_understood, found.known_on) == (True, ())
    assert not understand("kidney", KNOWN, kind).is_understood


def test_own_words_are_asked_only_where_they_mean_the_same() -> None:
    for prompt, asked in {
        "cancer on the left": "tumor on the left",
        "tumors": "tumor",
        "tumro": "tumor",
        "tumor": "tumor",
        "nodule": "nodule",  # something else, only suggested
        "kidney tumor": "kidney tumor",
        "asdfgh": "asdfgh",
    }.items():
        found = understand(prompt, KNOWN, BREAST, own_words=True)
        assert found.asked == asked
        assert found.is_understood == (asked.startswith("tumor"))
        assert found.thing == ("tumor" if found.is_understood else None)
    found = understand("cancer on the left", KNOWN, BREAST, own_words=True)
    assert (found.without_place, found.unknown) == ("tumor", ("cancer",))


def test_words_of_place_are_found() -> None:
    found = understand("one small tumor on the left", KNOWN, BREAST)
    assert (found.is_understood, found.thing, found.without_place) == (True, "tumor", "one small tumor")
    assert understand("one small tumor", KNOWN, BREAST).without_place == "one small tumor"


@pytest.mark.parametrize("kind", THINGS)
def test_every_wording_of_training_and_evaluation_is_understood(kind: str) -> None:
    thing, prompt, rng = THINGS[kind], KNOWN.kinds[kind].prompts[0].replace("One", "one"), np.random.default_rng(0)
    styles = wordings()
    pairs = [*styles.one_of_several.values(), *styles.unseen_one_of_several.values()]
    affirming = [*styles.short, *styles.overdescriptive, *styles.around, *styles.mosaic, *styles.unseen_mosaic]
    affirming += [*styles.neutral, *(template for group in pairs for template in group)]
    for template in (*affirming, *styles.absence, *styles.contradictory):
        text = fill(template, thing).replace("{prompt}", prompt).replace("{place}", "top left")
        while "{word}" in text:
            text = text.replace("{word}", unknown_word(rng), 1)
        found = understand(text, KNOWN, kind)
        if "{target}" not in template and "{prompt}" not in template and re.search("abnormal|visible", template):
            assert found.denies or not found.is_understood, text  # it asks for nothing by its name
            continue
        denies = template not in affirming and "{prompt}" not in template
        assert (found.is_understood, found.known_on, found.denies) == (True, (), denies), text
        if "{target}" in template or "{prompt}" in template:
            assert KNOWN.kinds[kind].things.keys() >= {found.thing}, text
        if "{target}" in template and denies:
            assert thing in found.presence_question, text


def test_training_prompts_are_understood() -> None:
    kinds = {"BUSI": BREAST, "Kvasir": COLON, "BRISC": BRAIN, "ISIC": SKIN}
    prompts = [(prompt, kind) for kind in kinds.values() for prompt in KNOWN.kinds[kind].prompts]
    for name, kind in kinds.items():
        rows = read_sheet(PROBES / name / "Prompts_Folder" / "Test_text_original.csv")
        prompts += [(row.description, kind) for row in rows]
    assert len(prompts) > 25
    for prompt, kind in prompts:
        found = understand(prompt, KNOWN, kind)
        if "tumors" in prompt and "benign tumors" not in prompt:  # measured: nothing is found by this plural
            assert (found.is_understood, found.unknown) == (False, ("tumors",))
        else:
            assert (found.is_understood, found.known_on) == (True, ()), prompt


def test_things_of_other_parts_of_the_body_are_not_understood_here() -> None:
    own = {"tumor", "polyp", "lesion", "melanoma", "mole", "hippocampus"}
    for things in (*wordings().absent_things.values(), *wordings().unseen_things.values()):
        for thing in things:
            for kind in THINGS:
                found = understand(thing, KNOWN, kind)
                here = found.is_understood and not found.known_on
                assert not here or own & set(thing.split()), (thing, kind)


def test_what_nobody_measured_counts_by_how_often_it_was_trained() -> None:
    def knowing(images: int) -> Knowledge:
        return Knowledge(kinds={"chest CT": KnownKind(images=images, things={"lung": KnownThing(images=images)})})

    assert understand("lung", knowing(50), "chest CT").is_understood
    assert not understand("lung", knowing(2), "chest CT").is_understood
    assert understand("x", Knowledge(kinds={}), None) == Understanding("x", "x", None, False, False, (), (), "x")


PIECES = ("no", "tumor", "tumors", "kidney", "two", ",", ".", ":", "not", "İ", "polyp", "is", "there", "isn't", "tumro")


@given(st.text() | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_any_text_is_read(text: str) -> None:
    for kind in (BREAST, None):
        for own_words in (False, True):
            found = understand(text, KNOWN, kind, own_words)
            assert found.prompt == text
            assert found.is_understood == (found.thing is not None)
            assert found.is_understood or found.asked == (found.presence_question or text)
            assert all(word.casefold() in text.casefold() or found.denies for word in found.unknown)
            assert dataclasses.replace(found, prompt="") is not None
