"""A denial is a question for what it denies; a "no" that denies something else is none."""

from __future__ import annotations

import pytest
from known_words import BRAIN, BREAST, COLON, KNOWN

from MedCLIPSegLogic.knowledge.understanding import understand


@pytest.mark.parametrize(
    ("prompt", "question"),
    [
        ("no tumor", "tumor"),
        ("No tumor in the breast ultrasound image.", "tumor in the breast ultrasound image"),
        ("there is no tumor", "tumor"),
        ("absence of a tumor", "tumor"),
        ("without any tumor", "tumor"),
        ("free of any tumor", "tumor"),
        ("tumor: none", "tumor"),
        ("the tumor is not there", "tumor"),
        ("the tumor isn't visible", "tumor"),
        ("a tumor cannot be found", "tumor"),
        ("the tumor is absent", "tumor"),
        ("tumor-free", "tumor"),
        ("nothing that looks like a tumor", "tumor"),
        ("nothing like a tumor", "tumor"),
        ("it doesn't show a tumor", "tumor"),
        ("no small round tumor on the left", "small round tumor on the left"),
        ("No tumor detected here, and the tissue appears uniform with smooth borders.", "tumor"),
        ("no calcification, lesion or tumor is seen", "calcification"),
        ("Normal breast.", "tumor"),
        ("everything looks normal", "tumor"),
        ("nothing suspicious here", "tumor"),
        ("no special findings", "tumor"),
    ],
)
def test_denials_ask_for_what_they_deny(prompt: str, question: str) -> None:
    found = understand(prompt, KNOWN, BREAST)
    assert found.denies
    assert found.presence_question == question
    assert found.asked == question
    assert found.is_understood == ("tumor" in question)


@pytest.mark.parametrize(
    "prompt",
    [
        "Nothing abnormal, although one tumor is there",
        "no special findings but a small tumor",
        "non-enhancing tumor",
        "tumor no larger than 5 mm",
        "no larger than 5 mm: a tumor",
        "tumor without calcification",
        "only fibrous tissue, no cyst, although one small tumor",
        "the big tumor, not the other",
        "no, there is a tumor",
        "no doubt a tumor",
        "One tumor, while everything seems healthy",
        "tumor, with no artifact that would hide any part of it",
        "nothing but a tumor",
        "cannot rule out a tumor",
        "a tumor cannot be excluded",
        "no cyst and one tumor",
        "tumor, if there is one",
        "is there a tumor?",
    ],
)
def test_other_denials_leave_the_thing_alone(prompt: str) -> None:
    found = understand(prompt, KNOWN, BREAST)
    assert (found.denies, found.is_understood, found.thing) == (False, True, "tumor")
    assert (found.asked, found.presence_question) == (prompt, "")


def test_denied_plurals_are_asked_in_the_singular() -> None:
    found = understand("The brain appears normal with no signs of tumors.", KNOWN, BRAIN)
    assert (found.denies, found.is_understood, found.asked, found.presence_question) == (True, True, "tumor", "tumors")


def test_denials_of_unknown_things_are_not_understood() -> None:
    for prompt in ("no kidney", "no cancer", "normal kidney"):
        found = understand(prompt, KNOWN, BREAST)
        assert not found.is_understood
        assert "tumor" in found.suggestions
    assert understand("no tumor", KNOWN, COLON).suggestions == ("polyp",)
    assert understand("no hippocampus", KNOWN, COLON).known_on == (BRAIN,)


def test_a_normal_picture_is_asked_for_what_it_might_show() -> None:
    assert understand("Normal breast.", KNOWN, None).asked == "tumor"
    assert understand("normal colon", KNOWN, None).asked == "polyp"
    assert understand("everything looks normal", KNOWN, BRAIN).asked == "tumor"  # a hippocampus is no finding
