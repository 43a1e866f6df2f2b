"""Words: their number, spelling, places and the lists they come from."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from MedCLIPSegLab.data.prompt_words import drop_location
from MedCLIPSegLogic.knowledge.grammar import WORDS_FOLDER, grammar
from MedCLIPSegLogic.knowledge.places import NINTHS, place_of_box, place_of_point, without_place
from MedCLIPSegLogic.knowledge.spelling import distance, nearest, number_variants, plural
from MedCLIPSegLogic.knowledge.terms import terms
from MedCLIPSegLogic.knowledge.words import split_words, words_of

NUMBERS = """vertebra vertebrae nucleus nuclei metastasis metastases diagnosis diagnoses atrium atria ovary ovaries
    tumor tumors mass masses biopsy biopsies hippocampus hippocampi carcinoma carcinomas appendix appendices
    cortex cortices ganglion ganglia bronchus bronchi artery arteries pelvis pelves testis testes tooth teeth
    foot feet lens lenses abscess abscesses fistula fistulae region regions septum septa branch branches"""


@pytest.mark.parametrize("pair", zip(NUMBERS.split()[::2], NUMBERS.split()[1::2], strict=True))
def test_number_in_both_directions(pair: tuple[str, str]) -> None:
    one, many = pair
    assert plural(one) == many
    assert one in number_variants(many)
    assert f"left {one}" in number_variants(f"left {many}")
    assert many in number_variants(one)


def test_distance_counts_slips_of_the_finger() -> None:
    for first, second, far in [("tumor", "tumro", 1), ("tumor", "tumo", 1), ("tumor", "tuumor", 1), ("ca", "abc", 3)]:
        assert distance(first, second) == distance(second, first) == far
    assert nearest("hipocamppus", ["tumor", "hippocampus"]) == "hippocampus"
    assert nearest("tuomrs", ["tumor"]) is None  # two slips in a short word
    assert nearest("ma", ["mass"]) is None


@given(st.text("abct", max_size=8), st.text("abct", max_size=8))
def test_distance_is_one(first: str, second: str) -> None:
    assert (distance(first, second) == 0) == (first == second)
    assert abs(len(first) - len(second)) <= distance(first, second) <= max(len(first), len(second))


def test_words_and_where_they_stand() -> None:
    text = "One oval-shaped TUMOR, 5 mm"
    assert words_of(text) == ["one", "oval", "shaped", "tumor", "5", "mm"]
    assert all(text[word.start : word.end].lower() == word.text for word in split_words(text))


def test_terms_are_plain_singulars_with_a_license() -> None:
    data = terms()
    for name in ("terms.json", "grammar.json"):
        assert "Apache-2.0" in json.loads((WORDS_FOLDER / name).read_text(encoding="utf-8"))["license"]
    assert len(data.groups) > 60
    for term in data.is_part:
        assert " ".join(words_of(term)) == term
    assert data.same("cancer")[0] == "tumor"
    assert "cancer" not in data.same("tumor")  # a narrower word is never asked for a broader one
    assert "nodule" in data.near("tumor")
    assert "tumor" not in data.same("nodule")
    assert not data.broad - data.is_part.keys()
    # A word of plain English would block prompts that have nothing to do with the term.
    assert {term for term in data.is_part if grammar().roles.get(term) in ("function", "place", "size", "count")} == {
        "spot"
    }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("one small tumor on the left", "one small tumor"),
        ("One polyp at the top right in the colon.", "One polyp in the colon."),
        ("one polyp, located in top, left of the image", "one polyp"),
        ("There is a glioma lesion affecting the upper area of the brain.", "There is a glioma lesion in the brain."),
        ("The center section of the brain contains a lesion.", "The brain contains a lesion."),
        ("MRI findings reveal a tumor in the center zone.", "MRI findings reveal a tumor."),
        ("I mean the tumor that is further left", "I mean the tumor"),
        ("left-hand polyp", "polyp"),
        ("tumor in the upper left picture", "tumor"),
        ("upper part: tumor", "tumor"),
        ("the left lung", "the left lung"),
        ("a tumor in the middle ear", "a tumor in the middle ear"),
        ("tumor", "tumor"),
    ],
)
def test_places_are_left_out(text: str, wanted: str) -> None:
    assert without_place(text) == wanted
    assert without_place(wanted) == wanted


def test_prompts_of_training_lose_their_place_as_before() -> None:
    text = "A tumor is located in the center section of the brain, at the lower left."
    assert drop_location(text) == "A tumor is of the brain."


def test_nine_places() -> None:
    points = [(column, row) for row in (0.1, 0.5, 0.9) for column in (0.1, 0.5, 0.9)]
    assert tuple(place_of_point(*point) for point in points) == NINTHS
    assert (place_of_point(0, 1), place_of_point(1, 0)) == ("bottom left", "top right")
    assert place_of_box(0.7, 0.9, 0.9, 0.7) == "bottom right"


@pytest.mark.parametrize("name", ["опухоль", "t0", "", "—"])
def test_what_ends_in_no_letter_has_no_plural(name: str) -> None:
    assert plural(name) == name
