"""Prompts are built, completed and linted in the words of one kind of image."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_words import BRAIN, BREAST, COLON, KNOWN, SKIN

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.knowledge import spelling
from MedCLIPSegLogic.knowledge.completion import complete
from MedCLIPSegLogic.knowledge.linter import lint
from MedCLIPSegLogic.knowledge.places import NINTHS
from MedCLIPSegLogic.knowledge.prompt_parts import PromptParts, choices_of
from MedCLIPSegLogic.knowledge.prompt_sentence import sentence
from MedCLIPSegLogic.knowledge.understanding import understand


@pytest.mark.parametrize(
    ("parts", "kind", "wanted"),
    [
        (
            PromptParts("tumor", "one", "small", shape="oval", place="top left"),
            BREAST,
            "One small oval-shaped tumor at the top left in the breast ultrasound image.",
        ),
        (PromptParts("tumor", shape="irregular"), BREAST, "One irregular tumor in the breast ultrasound image."),
        (
            PromptParts("polyp", "one", "small", "pink", "round", "center"),
            COLON,
            "one small pink round polyp, located in center of the image",
        ),
        (PromptParts("polyp", "two", "medium"), COLON, "two medium polyps"),
        (PromptParts("tumor", place="top"), BRAIN, "A tumor is located in the upper section."),
        (PromptParts("anterior hippocampus"), BRAIN, "An anterior hippocampus."),
        (
            PromptParts("skin lesion", size="large", color="brown", place="bottom right"),
            SKIN,
            "one large brown skin lesion located in bottom right of the image",
        ),
        (PromptParts("polyp", size="small", place="left"), None, "small polyp at the left"),
    ],
)
def test_sentences_are_in_the_style_of_training(parts: PromptParts, kind: str | None, wanted: str) -> None:
    assert sentence(parts, KNOWN, kind) == wanted


def test_only_what_was_trained_can_be_chosen() -> None:
    breast, brain = choices_of(KNOWN, BREAST), choices_of(KNOWN, BRAIN)
    assert (breast.thing, breast.count, breast.color) == (("tumor",), ("one",), ())
    assert breast.shape == ("round", "oval", "circle", "square", "heart", "irregular")
    assert brain.size == ()
    assert breast.place == brain.place == NINTHS
    assert choices_of(KNOWN, COLON).count == ("one", "two")
    for parts, words in [
        (PromptParts("kidney"), "the thing “kidney” on this kind of image; choose tumor."),
        (PromptParts("tumor", color="pink"), "the color “pink” on this kind of image; leave it out."),
        (PromptParts("tumor", place="nowhere"), "the place “nowhere”"),
        (PromptParts(""), "the thing “”"),
    ]:
        with pytest.raises(MedCLIPSegError, match=words):
            sentence(parts, KNOWN, BREAST)


@given(st.data(), st.sampled_from([BREAST, COLON, BRAIN, SKIN, None]))
def test_whatever_is_built_is_understood(data: st.DataObject, kind: str | None) -> None:
    choices = choices_of(KNOWN, kind)
    thing = data.draw(st.sampled_from(choices.thing))
    rest = {
        name: data.draw(st.sampled_from(("", *getattr(choices, name))))
        for name in ("count", "size", "color", "shape", "place")
    }
    text = sentence(PromptParts(thing, **rest), KNOWN, kind)
    found = understand(text, KNOWN, kind)
    assert (found.is_understood, found.thing, found.unknown, found.denies) == (True, thing, (), False)
    remark = lint(text, KNOWN, kind)
    assert remark is None or "hardly obeys" in remark.text
    assert rest["place"] or found.without_place == text


def test_completion_knows_things_first_and_history_last() -> None:
    sentences = [KNOWN.kinds[BREAST].prompts[1]]  # begins with "Two"
    history = ["total scan", "tumor of mine"]
    assert complete("t", KNOWN, BREAST, history) == ("tumor", "tumour", *sentences, *history)
    assert complete("TU", KNOWN, BREAST) == ("tumor", "tumour")
    assert complete("po", KNOWN, BREAST) == ()
    assert complete("po", KNOWN, COLON)[:2] == ("polyp", "polyps")
    assert complete("one sm", KNOWN, BREAST)[0] == "one small"
    assert complete("one small t", KNOWN, BREAST)[0] == "one small tumor"
    empty = complete("", KNOWN, COLON, history, most=50)
    assert empty[0] == "polyp"
    assert empty[-2:] == tuple(history)
    assert "one polyp" in empty
    assert "one polyp, located in top left of the image" in complete("one polyp, located", KNOWN, COLON)
    assert "one small tiny" not in complete("one small t", KNOWN, BREAST)
    assert complete("", KNOWN, COLON, history, most=2) == ("polyp", "one polyp")
    assert "tumor" not in complete("tumor", KNOWN, BREAST)


@pytest.mark.parametrize(
    ("text", "kind", "remark", "words", "suggestion"),
    [
        (
            "a cancer",
            BREAST,
            "“cancer” is not known on breast ultrasound; did you mean “a tumor”?",
            "cancer",
            "a tumor",
        ),
        ("juicy green-ish tumor gwag", BREAST, "3 unknown words: juicy, ish, gwag.", "juicy ish gwag", ""),
        ("juicy tumor", BREAST, "1 unknown word: juicy.", "juicy", ""),
        ("a polyp", BREAST, "“polyp” is known on colonoscopy, not on breast ultrasound.", "polyp", "tumor"),
        ("no tumor", BREAST, "This asks whether there is “tumor”.", "", ""),
        ("one small ", BREAST, "Name what to look for, such as “tumor”.", "", "one small tumor"),
        ("kidney", None, "“kidney” is not known to this model; did you mean “skin lesion”?", "kidney", "skin lesion"),
        ("left tumor", BRAIN, "“left” is understood as a place, though this model hardly obeys places.", "left", ""),
    ],
)
def test_the_linter_has_one_line(text: str, kind: str | None, remark: str, words: str, suggestion: str) -> None:
    found = lint(text, KNOWN, kind)
    assert found is not None
    assert (found.text, found.suggestion) == (remark, suggestion)
    assert [text[start:end] for start, end in found.spans] == words.split()


@pytest.mark.parametrize("text", ["", "  ", "t", "tum", "one sm", "one small t", "tumor", "tumor on the left", "TUMOR"])
def test_the_linter_is_silent_where_all_is_well_or_unfinished(text: str) -> None:
    assert lint(text, KNOWN, BREAST) is None


def test_the_linter_compares_few_words_at_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    true_distance = spelling.distance

    def counted(first: str, second: str) -> int:
        compared.append(second)
        return true_distance(first, second)

    monkeypatch.setattr(spelling, "distance", counted)
    text = "one small juicy tumro near a weird blobbish thingummy of metastattic hipocampal kidny shape beside it"
    counts = []
    for end in range(1, len(text) + 1):
        compared.clear()
        lint(text[:end], KNOWN, BRAIN)
        counts.append(len(compared))
    assert 0 < max(counts) <= 40


@given(st.text())
def test_any_text_can_be_linted_and_completed(text: str) -> None:
    remark = lint(text, KNOWN, BREAST)
    for start, end in remark.spans if remark else ():
        assert 0 <= start < end <= len(text)
    assert len(complete(text, KNOWN, BREAST, [text])) <= 8
