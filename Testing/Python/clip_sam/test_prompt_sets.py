"""Prompt designs P0 to P5."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from MedCLIPSegLogic.clip_sam.prompt_sets import DESIGNS, Design, load_prompt_sets
from MedCLIPSegLogic.errors import MedCLIPSegError

A_STUDY = '{"knee MRI": {"object": "meniscus tear", "studies": ["MRI of the knee"], "features": ["a bright line"]}}'
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


def test_unknown_studies_and_kinds_are_named() -> None:
    requests: list[tuple[tuple[Design, str, str | None], str]] = [
        (("P0", "knee MRI", None), "no prompts for 'knee MRI'; there are some for breast ultrasound"),
        (("P3", "brain MRI", None), "need a kind; there is: glioma, meningioma, pituitary tumor"),
        (("P5", "lung CT", "cancer"), "need a kind; there is: none"),
    ]
    for request, words in requests:
        with pytest.raises(MedCLIPSegError, match=words):
            load_prompt_sets().sentences(*request)


DAMAGED = [
    ("{", "is not readable JSON"),
    ("[]", "it must hold fields"),
    ('{"studies": {}, "caption": ["{features}"]}', "field studies must be one entry per study"),
    ('{"studies": {"a": 1}, "caption": ["{features}"]}', "field studies.a must hold fields"),
    (
        '{"studies": {"a": {"object": "b", "studies": ["c"]}}, "caption": ["{features}"]}',
        "field studies.a.features is missing",
    ),
    (
        '{"studies": {"a": {"object": 1, "studies": ["c"], "features": ["d"]}}, "caption": ["{features}"]}',
        "field studies.a.object must be a text",
    ),
    (
        '{"studies": {"a": {"object": "b", "studies": ["c"], "features": "d"}}, "caption": ["{features}"]}',
        "field studies.a.features must be a list of texts",
    ),
    (
        '{"studies": {"a": {"object": "b", "studies": ["c"], "features": ["d"], "classes": {"e": [2]}}}}',
        "field studies.a.classes.e must be a list of texts",
    ),
    (f'{{"studies": {A_STUDY}}}', "field caption is missing"),
    (f'{{"studies": {A_STUDY}, "caption": "x"}}', "field caption must be a list of texts"),
    (f'{{"studies": {A_STUDY}, "caption": ["nothing"]}}', "a text of the field caption lacks {features}"),
    (f'{{"studies": {A_STUDY}, "caption": ["{{features}} {{organ}}"]}}', "the unknown {organ}"),
]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "sets.json"
    for text, words in DAMAGED:
        file.write_text(text)
        with pytest.raises(MedCLIPSegError, match=re.escape(words)) as refusal:
            load_prompt_sets(file)
        assert str(file) in str(refusal.value)
    with pytest.raises(MedCLIPSegError, match="There is no file"):
        load_prompt_sets(tmp_path / "none.json")


def test_a_file_of_ones_own_makes_as_many_sentences_as_it_can(tmp_path: Path) -> None:
    file = tmp_path / "sets.json"
    file.write_text(f'{{"studies": {A_STUDY}, "caption": ["{{study}}: {{features}} ({{object}}).", "{{features}}"]}}')
    sets = load_prompt_sets(file)
    first = "MRI of the knee: a bright line (meniscus tear)."
    assert sets.sentences("P0", "knee MRI") == ["meniscus tear"]
    assert sets.sentences("P2", "knee MRI") == [first]
    assert sets.sentences("P4", "knee MRI") == [first, "A bright line"]
