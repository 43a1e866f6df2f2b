"""Prompt styles that are made from a sheet's own prompts."""

from __future__ import annotations

from MedCLIPSegLab.data.made_styles import (
    absent_rows,
    alone_rows,
    article_rows,
    denied_rows,
    fixed_rows,
    neutral_rows,
    plural_rows,
    reordered_rows,
    synonym_rows,
    unseen_synonym_rows,
    upper_case_rows,
)
from MedCLIPSegLab.data.wordings import wordings
from MedCLIPSegLogic.datasets.sheets import SheetRow

ROWS = [
    SheetRow("1.jpg", "One small benign tumor at the left in the breast ultrasound image.", "1.png"),
    SheetRow("2.jpg", "No tumor in the breast ultrasound image.", "2.png"),
    SheetRow("3.jpg", "Two large tumors at the top in the breast ultrasound image.", "3.png"),
]


def texts(rows: list[SheetRow]) -> list[str]:
    return [row.description for row in rows]


def test_neutral_prompts_name_the_thing_alone_in_held_out_words() -> None:
    rows = neutral_rows(ROWS)
    assert texts(rows) == ["mark the benign tumor", "the area of the tumor", "draw around the tumor"]
    assert [(row.image, row.ground_truth) for row in rows] == [(row.image, row.ground_truth) for row in ROWS]
    assert not set(wordings().neutral) & set(wordings().short)


def test_the_thing_alone_takes_other_forms() -> None:
    organs = [
        SheetRow("4.jpg", "Left lung in the frontal chest x-ray.", "4__left_lung.png"),
        SheetRow("4.jpg", "Cell nuclei in the fluorescence microscopy image.", "4.png"),
    ]
    assert texts(alone_rows([*ROWS, *organs])) == ["tumor", "tumor", "tumor", "left lung", "cell nuclei"]
    assert texts(plural_rows([*ROWS, *organs])) == ["tumors"] * 3
    assert texts(article_rows(organs)) == ["the left lung", "the cell nuclei"]
    assert texts(upper_case_rows(organs[:1])) == ["LEFT LUNG"]
    assert texts(unseen_synonym_rows([ROWS[0], organs[0]])) == ["malignancy"]
    trained = {word for words in wordings().synonyms.values() for word in words}
    assert not trained & {word for words in wordings().unseen_synonyms.values() for word in words}


def test_synonyms_change_nothing_but_the_noun() -> None:
    for row, neutral in zip(synonym_rows(ROWS), neutral_rows(ROWS), strict=True):
        before, after = neutral.description.split(), row.description.split()
        assert before[:-1] == after[: len(before) - 1]
        assert before[-1] != after[-1]


def test_prompts_without_another_order_are_left_out() -> None:
    plain = SheetRow("4.jpg", "polyp", "4.png")
    rows = reordered_rows([*ROWS, plain])
    assert [row.image for row in rows] == ["1.jpg", "2.jpg", "3.jpg"]
    assert rows[1].description == "In the breast ultrasound image, no tumor"


def test_one_fixed_prompt_asks_for_what_is_asked_for_most_often() -> None:
    assert texts(fixed_rows(ROWS)) == ["tumor in the breast ultrasound image"] * 3
    assert texts(fixed_rows([SheetRow("4.jpg", "one small orange polyp", "4.png")])) == ["polyp"]
    assert fixed_rows([ROWS[1]]) == []


def test_absent_things_have_an_empty_truth_and_were_never_asked_for() -> None:
    rows = absent_rows(ROWS)
    assert [row.label_values for row in rows] == [(-1,)] * 3
    known = {thing for things in wordings().absent_things.values() for thing in things}
    for text in texts(rows):
        assert not any(text.endswith(thing) for thing in known)
        assert not any(thing in text for thing in wordings().unseen_things["chest"])
    denials = denied_rows(ROWS)
    assert texts(denials)[0] == f"no {wordings().unseen_things['head'][0]} can be made out"
    assert [row.label_values for row in denials] == [(-1,)] * 3
    assert not set(wordings().denials) & {*wordings().absence, *wordings().contradictory}
    assert absent_rows([SheetRow("4.jpg", "the bright thing", "4.png")]) == []
