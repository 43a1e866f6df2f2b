"""Verdicts and their sentences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from MedCLIPSegLogic.knowledge import judging
from MedCLIPSegLogic.knowledge.judging import judge_answer, judge_presence, judge_question, nothing_to_look_at
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.knowledge.sight import ImageSight, seen_together
from MedCLIPSegLogic.knowledge.understanding import Understanding
from MedCLIPSegLogic.knowledge.verdict import Doubt, Verdict

KNOWLEDGE = Knowledge(
    kinds={kind: KnownKind(images=1, things={"polyp": KnownThing(images=1)}) for kind in ("colonoscopy", "brain MRI")}
)
ULTRASOUND = ImageSight("breast ultrasound", "breast ultrasound", 0.1)
TUMOR = Understanding("tumor on the left", "tumor on the left", "tumor", without_place="tumor", suggestions=("mass",))
POLYP = Understanding("polyp", "polyp", "polyp", known_on=("colonoscopy",), suggestions=("tumor",))
PARTLY = Understanding("green tumor", "green tumor", "tumor", unknown=("green",), suggestions=("tumor",))
OWN = Understanding("cancer", "tumor", None, is_understood=False, unknown=("cancer",), suggestions=("tumor",))


def doubted(monkeypatch: pytest.MonkeyPatch, *reasons: Doubt) -> None:
    monkeypatch.setattr(judging, "doubts", lambda *_: reasons)


@pytest.mark.parametrize(
    ("asked", "is_empty", "reasons", "kind", "doubts", "suggestions"),
    [
        (TUMOR, False, (), "found", (), ()),
        (TUMOR, True, (), "absent", (), ()),
        (TUMOR, False, ("place", "islands"), "doubtful", ("place", "islands"), ("tumor", "mass")),
        (TUMOR, True, ("place",), "doubtful", ("place",), ("tumor", "mass")),
        (TUMOR, True, ("threshold",), "doubtful", ("threshold",), ("mass",)),
        (TUMOR, True, ("planes",), "doubtful", ("planes",), ("mass",)),
        (TUMOR, True, ("agreement", "threshold"), "doubtful", ("agreement", "threshold"), ("tumor", "mass")),
        (POLYP, False, (), "doubtful", ("words",), ("tumor",)),
        (POLYP, True, (), "absent", (), ("tumor",)),
        (PARTLY, False, (), "found", (), ()),
        (PARTLY, True, (), "not-understood", (), ("tumor",)),
        (OWN, False, (), "found", (), ()),
        (OWN, True, (), "absent", (), ()),
        (None, False, (), "found", (), ()),
        (None, True, (), "doubtful", ("no-knowledge",), ()),
    ],
)
def test_the_verdict_follows_from_words_and_signs(
    monkeypatch: pytest.MonkeyPatch,
    asked: Understanding | None,
    is_empty: bool,
    reasons: tuple[Doubt, ...],
    kind: str,
    doubts: tuple[Doubt, ...],
    suggestions: tuple[str, ...],
) -> None:
    doubted(monkeypatch, *reasons)
    verdict = judge_answer(ULTRASOUND, asked, is_empty, {}, KNOWLEDGE if asked else None)
    assert (verdict.kind, verdict.doubts, verdict.suggestions) == (kind, doubts, suggestions)
    assert verdict.asked_as == ("tumor" if asked is OWN else "")


def test_nothing_of_another_kind_of_image_says_where_the_thing_is_known() -> None:
    text = judge_answer(ULTRASOUND, POLYP, True, {}, KNOWLEDGE).text
    assert text == (
        "No polyp is to be seen: the model knows that on colonoscopy only, and this looks like breast "
        "ultrasound; ask for “tumor”."
    )


def all_verdicts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Verdict]:
    long = "an unbelievably long prompt " * 9
    prompts = [TUMOR, POLYP, PARTLY, OWN, None, Understanding(long, long, None, is_understood=False, unknown=(long,))]
    doubted(monkeypatch)
    yield nothing_to_look_at()
    for sight, asked in itertools.product((ULTRASOUND, ImageSight()), prompts):
        question = judge_question(sight, asked, KNOWLEDGE)
        if question is not None:
            yield question
            continue
        for reasons in ((), ("islands", "border", "size", "place", "neighbors", "agreement", "expected-dice")):
            doubted(monkeypatch, *reasons)
            yield from (judge_answer(sight, asked, empty, {}, KNOWLEDGE if asked else None) for empty in (True, False))
        for where in ("", "on 3 of 5 slices"):
            if asked is not None:
                yield judge_presence(sight, asked, where)
    for knowledge in (KNOWLEDGE, None):
        yield judge_question(ImageSight(None, "chest X-ray", 0.9, True), TUMOR, knowledge)


def test_every_verdict_is_one_short_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = list(all_verdicts(monkeypatch))
    assert {verdict.kind for verdict in verdicts} == {
        "found",
        "absent",
        "not-understood",
        "foreign-image",
        "doubtful",
    }
    for text in {verdict.text for verdict in verdicts}:
        assert text[0].isupper()
        assert text.endswith(".")
        assert ". " not in text
        assert "{" not in text
        assert "“”" not in text
        assert len(text) <= 220, text


def test_a_denied_thing_without_credible_absence_is_not_absent() -> None:
    denied = Understanding(
        "no green tumor", "green tumor", "tumor", denies=True, unknown=("green",), suggestions=("tumor",)
    )
    assert judge_presence(ULTRASOUND, denied, "").kind == "not-understood"
    assert judge_presence(ULTRASOUND, denied, "7 % of the image").suggestions == ("green tumor",)
    assert judge_presence(ULTRASOUND, POLYP, "7 % of the image").kind == "doubtful"


def test_a_volume_is_foreign_when_most_of_its_slices_are() -> None:
    known, foreign = ImageSight("brain MRI", "brain MRI", 0.2), ImageSight(None, "abdominal CT", 0.9, True)
    odd = ImageSight("colonoscopy", "colonoscopy", 0.1)
    assert seen_together([foreign, known, known]) == known
    assert seen_together([foreign, foreign, known]) == foreign
    assert seen_together([foreign, known]) == known
    assert seen_together([odd, known, known]).kind == "brain MRI"
    assert seen_together([ImageSight()]) == ImageSight()


@pytest.mark.parametrize(
    "sight", [ImageSight("colonoscopy", "", 0.3, sure=0.4), ImageSight("colonoscopy", "colonoscopy", 0.1, sure=0.7)]
)
def test_nothing_is_absent_from_an_image_of_unclear_kind(sight: ImageSight) -> None:
    for asked in (TUMOR, POLYP):
        verdict = judge_answer(sight, asked, True, {}, KNOWLEDGE)
        assert (verdict.kind, verdict.doubts) == ("doubtful", ("image",))
    assert judge_question(sight, POLYP, KNOWLEDGE) is None


def test_a_published_model_is_trusted_on_its_own_kind_of_image() -> None:
    assert judge_answer(ULTRASOUND, None, False, {}, None).kind == "found"
    for sight in (
        ImageSight(),
        ImageSight("breast ultrasound", "", 0.6),
        ImageSight("breast ultrasound", "brain MRI", 0.9),
    ):
        assert judge_answer(sight, None, False, {}, None).doubts == ("no-knowledge",)


def test_a_long_word_keeps_its_quotation_marks() -> None:
    asked = Understanding("x" * 200, "x" * 200, None, is_understood=False, unknown=("x" * 200,))
    verdict = judge_question(ULTRASOUND, asked, KNOWLEDGE)
    assert verdict is not None
    assert verdict.text.count("“") == verdict.text.count("”") == 1


@pytest.mark.parametrize("where", ["", "7 % of the image"])
def test_other_words_for_what_is_denied_are_named(where: str) -> None:
    asked = Understanding("no cancer", "tumor", "tumor", denies=True, presence_question="cancer")
    verdict = judge_presence(ULTRASOUND, asked, where)
    assert (verdict.asked_as, verdict.text.startswith("Asked as “tumor”: ")) == ("tumor", True)
    typed = judge_presence(ULTRASOUND, Understanding("no tumor", "tumor", "tumor", denies=True), where)
    assert (typed.asked_as, "Asked as" in typed.text) == ("", False)
