"""What training rows tell: kinds of image, things, sizes, words."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedCLIPSegLab.knowing.counting import KindCounts, count_kind, example_prompts
from MedCLIPSegLab.knowing.learning import count_words
from MedCLIPSegLab.knowing.names import names_to_try, other_number, same_things
from MedCLIPSegLab.knowing.sets import check_kinds, find_sets, kind_of_prompts
from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.errors import MedCLIPSegError


def counted(folder: Path) -> KindCounts:
    return list(count_kind(find_sets([folder], {})))[-1]


@pytest.mark.parametrize(
    ("prompts", "kind"),
    [
        (["One tumor in the breast ultrasound image"] * 3, "breast ultrasound"),
        (["Hippocampus in the T1-weighted brain MRI", "The head", "The tail"], "T1-weighted brain MRI"),
        (["A tumor in the lower part of the brain"] * 3, None),
        (["One polyp"] * 9 + ["One polyp in the brain MRI"], None),
    ],
)
def test_the_kind_is_what_enough_prompts_name(prompts: list[str], kind: str | None) -> None:
    assert kind_of_prompts(prompts) == kind


def test_a_set_without_a_named_kind_has_its_own_name_or_a_chosen_one(breasts: Path, brains: Path) -> None:
    assert [each.kind for each in find_sets([breasts, brains], {})] == ["breast ultrasound", "brains"]
    kinds = {"breasts": "ultrasound", "brains": "ultrasound"}
    assert {each.kind for each in find_sets([breasts, brains], kinds)} == {"ultrasound"}


@pytest.mark.parametrize(
    ("kinds", "words"),
    [({"brain": "MRI"}, "'brain'.*breasts"), ({"breasts": " "}, "cannot name a kind"), ({"breasts": "x" * 81}, "80")],
)
def test_a_kind_that_cannot_be_given_is_refused(breasts: Path, kinds: dict[str, str], words: str) -> None:
    with pytest.raises(MedCLIPSegError, match=words):
        check_kinds([breasts], kinds)


def test_pictures_are_counted_with_what_they_show(breasts: Path) -> None:
    counts = counted(breasts)
    assert len(counts.images) == 3
    assert {name: len(images) for name, images in counts.things.items()} == {"tumor": 1, "mass": 1}
    assert counts.names["tumor"] == {"benign tumor": 1}
    assert sorted(counts.areas) == [0.1, 0.2]
    assert counts.plane is None
    assert counts.words["breast"] == 2
    assert "lump" not in counts.words  # its mask is empty


def test_volumes_are_counted_slice_by_slice(brains: Path) -> None:
    counts = counted(brains)
    assert len(counts.images) == 1
    assert set(counts.things) == {"anterior hippocampus", "posterior hippocampus"}
    assert counts.areas == pytest.approx([0.2, 0.2, 0.1])
    assert counts.plane == "axial"


def test_words_of_the_training_styles_count_once_for_every_image(breasts: Path) -> None:
    counts = {"ultrasound": counted(breasts)}
    plain, styled = count_words(counts, styled=False), count_words(counts, styled=True)
    assert (plain["breast"], styled["breast"]) == ({"ultrasound": 2}, {"ultrasound": 2})
    assert (plain.get("find"), styled["find"]) == (None, {"ultrasound": 3})
    assert (plain.get("neoplasm"), styled["neoplasm"]) == (None, {"ultrasound": 3})
    assert "cancer" not in styled


def test_examples_differ_and_none_denies() -> None:
    texts = ["one small polyp", "one small polyp", "one large polyp", "no polyp", "a mole", "x" * 400]
    chosen = example_prompts([SheetRow("", text, "") for text in texts])
    assert set(chosen) == {"one small polyp", "one large polyp", "a mole"}


def test_names_of_one_thing_come_together_and_parts_stay_apart() -> None:
    names = {"melanoma": 9, "lesion": 5, "anterior hippocampus": 3, "hippocampus": 4, "kidney": 1}
    groups = same_things(names)
    assert ["melanoma", "lesion"] in groups
    assert [g for g in groups if len(g) == 1] == [["hippocampus"], ["anterior hippocampus"], ["kidney"]]


@pytest.mark.parametrize(
    ("name", "other"),
    [("tumor", "tumors"), ("masses", "mass"), ("hippocampus", "hippocampi"), ("nuclei", "nucleus"), ("cyst", "cysts")],
)
def test_names_are_tried_in_both_numbers(name: str, other: str) -> None:
    assert other_number(name) == other
    assert {name, other} <= set(names_to_try([name]))


def test_findings_are_tried_under_broad_names_and_diagnoses_only_under_their_own() -> None:
    assert {"cancer", "nodules", "neoplasm"} <= set(names_to_try(["tumor"]))
    assert "glioma" not in names_to_try(["tumor"])
    assert "glioma" in names_to_try(["tumor", "glioma tumor"])
    assert "cancer" not in names_to_try(["hippocampus"])
