"""The sections of ``medclipseg probe`` that look at verdicts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLab.data.image_folders import images_of
from MedCLIPSegLab.data.prompt_sheets import ORIGINAL, PromptSheet, find_sheets
from MedCLIPSegLab.evaluation.probe import probe
from MedCLIPSegLab.evaluation.probes.answers import Answer
from MedCLIPSegLab.evaluation.probes.images import files_in, natural_files, summarize_images
from MedCLIPSegLab.evaluation.probes.verdicts import probe_verdicts, summarize_verdicts, things_elsewhere
from MedCLIPSegLogic.datasets.sheets import with_row
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.model.folder import save_knowledge
from MedCLIPSegLogic.model.library import load_model

DEMO = Path(__file__).parents[3] / "MedCLIPSegLogic" / "Resources" / "Demo"
RESOURCES = DEMO.parent


def make_set(folder: Path, cases: list[tuple[Path, Path, str]]) -> PromptSheet:
    """A data set with a Test folder and its sheet of original prompts."""
    sheet = folder / "Prompts_Folder" / "Test_text_original.csv"
    for place in (sheet.parent, folder / "Test_Folder" / "img", folder / "Test_Folder" / "label"):
        place.mkdir(parents=True)
    for image, mask, prompt in cases:
        shutil.copyfile(image, folder / "Test_Folder" / "img" / image.name)
        shutil.copyfile(mask, folder / "Test_Folder" / "label" / mask.name)
        sheet.write_bytes(with_row(sheet, image.name, prompt, mask.name))
    return find_sheets([folder], [ORIGINAL])[0]


@pytest.fixture
def breasts(tmp_path: Path) -> PromptSheet:
    """The demo case, and the same as if nothing were to be found in it."""
    Image.open(DEMO / "breast_ultrasound.jpg").save(tmp_path / "normal.png")
    empty = np.zeros_like(np.asarray(Image.open(DEMO / "breast_ultrasound_mask.png")))
    Image.fromarray(empty).save(tmp_path / "empty.png")
    cases = [
        (
            DEMO / "breast_ultrasound.jpg",
            DEMO / "breast_ultrasound_mask.png",
            "One tumor in the breast ultrasound image",
        ),
        (tmp_path / "normal.png", tmp_path / "empty.png", "No tumor in the breast ultrasound image"),
    ]
    return make_set(tmp_path / "breasts", cases)


@pytest.fixture
def colons(tmp_path: Path) -> PromptSheet:
    cases = [(DEMO / "dermoscopy.jpg", DEMO / "dermoscopy_mask.png", "one polyp in the colon")]
    return make_set(tmp_path / "colons", cases)


@pytest.fixture
def a_knowing_model(tmp_path: Path) -> Path:
    """The bundled weights with a little knowledge, written by hand."""
    folder = shutil.copytree(RESOURCES / "Models" / "mini", tmp_path / "knowing")
    tumor = KnownThing(images=9, dice=0.8, wordings={"mass": 0.8, "cancer": 0.0, "tumors": 0.0}, unrelated=0)
    polyp = KnownThing(images=9, dice=0.8, unrelated=0)
    kinds = {
        "breast ultrasound": KnownKind(images=9, things={"tumor": tumor}),
        "colonoscopy": KnownKind(images=9, things={"polyp": polyp}),
    }
    words = {word: {"breast ultrasound": 9} for word in ("one", "tumor", "in", "the", "breast", "ultrasound", "image")}
    save_knowledge(Knowledge(kinds=kinds, words=words), folder)
    return folder


@pytest.mark.slow
def test_the_bundled_model_is_asked_in_words_it_cannot_know(
    breasts: PromptSheet, colons: PromptSheet, a_knowing_model: Path
) -> None:
    asked = list(probe_verdicts(load_model(a_knowing_model), breasts, [breasts, colons], 1, None))
    by_probe = {(a.probe, a.image, a.prompt): a for a in asked}
    assert by_probe["variants", "breast_ultrasound.jpg", "TUMOR"].right == 1
    assert by_probe["variants", "breast_ultrasound.jpg", "tumors"].right == 1  # not understood, with a suggestion
    unknown = [a for a in asked if a.probe == "unknown"]
    assert [answer.right for answer in unknown] == [1] * len(unknown)
    assert len(unknown) == 2
    # What is there is found where nothing should be; the demo case is no normal one.
    assert by_probe["absent", "normal.png", "tumor"].right == 0
    assert {name for name, _, _ in by_probe} == {"variants", "unknown", "absent", "doubtful"}


def test_things_of_other_parts_of_the_body_are_asked_for_in_vain(breasts: PromptSheet, colons: PromptSheet) -> None:
    assert things_elsewhere(breasts, [breasts, colons], None) == ["polyp"]
    assert things_elsewhere(colons, [breasts, colons], None) == []  # a polyp may be called tumor
    assert things_elsewhere(breasts, [breasts], None) == []


def test_images_come_from_data_sets_and_from_plain_folders(breasts: PromptSheet, tmp_path: Path) -> None:
    found = files_in([tmp_path / "breasts", DEMO], "Test", None)
    assert [path.name for path in found["breasts"]] == ["breast_ultrasound.jpg", "normal.png"]
    assert {path.name for path in found["Demo"]} >= {"dermoscopy.jpg", "hippocampus_mri.nii.gz"}
    assert len(files_in([DEMO], "Test", 2)["Demo"]) == 2
    assert any(path.name == "grace_hopper.jpg" for path in natural_files(None)["natural pictures"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedCLIPSegError, match="no image in"):
        images_of(tmp_path / "empty", "Test")


def test_a_model_that_knows_nothing_can_be_asked(breasts: PromptSheet, a_model_folder: Path, tmp_path: Path) -> None:
    result = probe(a_model_folder, [tmp_path / "breasts"], tmp_path / "out", sections=["images"], limit=2, samples=1)
    assert result["verdicts"]["familiar"]["right"] == 1
    assert result["verdicts"]["foreign"] == {
        "count": 2,
        "right": 0,
        "auroc": None,
        "sets": {"natural pictures": {"count": 2, "right": 0}},
    }
    with pytest.raises(MedCLIPSegError, match="no section 'all'"):
        probe(a_model_folder, [tmp_path / "breasts"], tmp_path / "other", sections=["all"])


def of(probe_name: str, right: int, dice: float | None = None, verdict: str = "found", score: float = 0) -> Answer:
    return Answer("s", probe_name, "i", "p", right, dice, verdict, score, dice)


def test_images_are_summed_up() -> None:
    familiar = [of("familiar", right, score=score) for right, score in ((1, 0.1), (1, 0.2), (0, 0.6))]
    foreign = [of("foreign", right, score=score) for right, score in ((1, 0.9), (0, 0.3))]
    summary = summarize_images([*familiar, *foreign])
    assert summary["familiar"]["right"] == pytest.approx(2 / 3)
    assert summary["foreign"]["right"] == 0.5
    assert summary["foreign"]["auroc"] == pytest.approx(5 / 6)
    assert "elsewhere" not in summary


def test_verdicts_are_summed_up() -> None:
    asked = [of("unknown", 1, 0.0, "not-understood"), of("unknown", 0, 0.0, "absent")]
    asked += [of("doubtful", 0, dice, verdict) for dice, verdict in ((0.2, "doubtful"), (0.4, "found"), (0.9, "found"))]
    asked += [of("doubtful", 0, 0.0, "not-understood")]
    summary = summarize_verdicts(asked)
    assert (summary["unknown"]["right"], summary["unknown"]["called_absent"]) == (0.5, 0.5)
    doubtful = {"bad": 2, "good": 1, "bad_flagged": 0.5, "good_flagged": 0, "held_back": 1}
    assert summary["doubtful"] == doubtful | {"auroc": 1.0, "expected_dice_error": 0.0}
