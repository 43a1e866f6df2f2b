"""Prompt designs P0 to P5."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.zeroshot.prompt_sets import DESIGNS, PUBLISHED_FILE, load_prompt_sets

COUNTS = {"P0": 1, "P1": 1, "P2": 1, "P3": 1, "P4": 20, "P5": 20}


def test_every_design_of_every_study_has_its_number_of_sentences() -> None:
    sets = load_prompt_sets()
    assert list(sets.studies) == ["breast ultrasound", "brain MRI", "chest X-ray", "lung CT"]
    for name, study in sets.studies.items():
        for design in DESIGNS:
            for kind in study.classes if design in ("P1", "P3", "P5") else (None,):
                sentences = sets.sentences(design, name, kind)
                assert len(set(sentences)) == len(sentences) == COUNTS[design]
                assert not any("{" in sentence for sentence in sentences)


def test_designs_name_object_or_kind() -> None:
    sets = load_prompt_sets()
    assert sets.sentences("P0", "breast ultrasound") == ["breast tumor"]
    assert sets.sentences("P1", "breast ultrasound", "malignant") == ["malignant breast tumor"]
    assert sets.sentences("P1", "brain MRI", "pituitary tumor") == ["pituitary tumor"]
    assert sets.sentences("P2", "brain MRI") == sets.sentences("P4", "brain MRI")[:1]
    assert all("meningioma" in sentence.lower() for sentence in sets.sentences("P5", "brain MRI", "meningioma"))
    assert not any("mammogram" in sentence for sentence in sets.sentences("P4", "breast ultrasound"))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (("P0", "knee MRI", None), "no prompts for 'knee MRI'; there are some for breast ultrasound"),
        (("P3", "brain MRI", None), "need a kind; there is: glioma, meningioma, pituitary tumor"),
        (("P5", "lung CT", "cancer"), "need a kind; there is: none"),
    ],
)
def test_unknown_studies_and_kinds_are_named(request_: tuple[str, str, str | None], words: str) -> None:
    with pytest.raises(MedCLIPSegError, match=words):
        load_prompt_sets().sentences(*request_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "lack a field"),
        ('{"studies": {}}', "lack a field"),
        ('{"studies": {"a": {"object": "b"}}, "caption": ["{features}"]}', "lack a field"),
        ('{"studies": {}, "caption": ["nothing"]}', "lacks {features}"),
        ('{"studies": {}, "caption": "x"}', "lack a field"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "sets.json"
    file.write_text(text)
    with pytest.raises(MedCLIPSegError, match=words) as refusal:
        load_prompt_sets(file)
    assert str(file) in str(refusal.value)
    with pytest.raises(MedCLIPSegError, match="cannot be read"):
        load_prompt_sets(tmp_path / "none.json")


def test_the_data_file_is_part_of_the_package() -> None:
    assert PUBLISHED_FILE.is_file()
