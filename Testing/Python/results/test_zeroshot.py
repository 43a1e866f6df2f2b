"""``medclipseg zeroshot`` end to end, with saliency whose answer is known and with that of a bundled model."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from planted_saliency import blurred, planted
from small_sam import save_sam

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLab.metrics import dice_score
from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLab.results.segmenting import zeroshot
from MedCLIPSegLogic.model.store import models_folder
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.volumes.readers import read_volume

PICTURE = CASES / "dermoscopy.jpg"
VOLUME = CASES / "hippocampus_mri.nii.gz"
LESION, NOTHING = "skin lesion", "nothing"
ALWAYS = {"segmentation.seg.nrrd", "scene.mrb", "preview.png", "run.json"}


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Exit code of ``medclipseg zeroshot ARGUMENTS``."""
    monkeypatch.setattr(sys, "argv", ["medclipseg", "zeroshot", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture
def known_saliency(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The blurred truth of the picture as saliency of the lesion, and nothing for another prompt; the truth."""
    truth = read_truth(CASES / "dermoscopy_mask.png", (), read_volume(PICTURE))[0]
    maps = {LESION: blurred(truth, 12), NOTHING: np.zeros(truth.shape, np.float32)}
    monkeypatch.setattr(Models, "saliency", lambda *_: (planted(maps), {"saliency": "planted"}))
    return truth


def test_everything_is_written_without_sam(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, known_saliency: np.ndarray
) -> None:
    out = tmp_path / "out"
    arguments = (PICTURE, "--prompt", LESION, "--prompt", NOTHING, "--out", out, "--sam", "none")
    assert call(monkeypatch, *arguments) == 0
    kinds = ("probability", "uncertainty", "saliency")
    maps = {f"{slug}.{kind}.nrrd" for slug in ("skin-lesion", "nothing") for kind in kinds}
    assert {path.name for path in out.iterdir()} == ALWAYS | maps
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert set(record["files"]) == ALWAYS | maps
    assert (record["method"], record["sam"], record["binarization"]) == ("medclip-sam-v2", None, "otsu")
    lesion, nothing = record["results"]
    finding = lesion["slices"][0]
    assert (finding["status"], nothing["slices"][0]["status"]) == ("found", "nothing found")
    assert 0 < finding["threshold"] < 1
    assert finding["objects"][0]["confidence"] > 0.5
    assert (nothing["voxels"], nothing["slices"][0]["objects"]) == (0, [])
    assert [(each["verdict"], each["doubts"]) for each in (lesion, nothing)] == [("doubtful", ["no-knowledge"])] * 2
    assert nothing["mean_uncertainty"] is None
    image = SimpleITK.ReadImage(str(out / "skin-lesion.saliency.nrrd"))
    assert image.GetPixelID() == SimpleITK.sitkFloat32
    saliency = SimpleITK.GetArrayFromImage(image)[0]
    assert np.allclose(saliency, blurred(known_saliency, 12), atol=1e-6)
    probability = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(out / "skin-lesion.probability.nrrd")))[0]
    assert dice_score(probability > 0.5, known_saliency) > 0.9
    printed = capsys.readouterr().out
    assert "1 object, confidence 0." in printed
    assert "nothing: nothing found" in printed
    assert call(monkeypatch, *arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert call(monkeypatch, *arguments, "--overwrite") == 0


def test_an_installed_sam_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known_saliency: np.ndarray) -> None:
    save_sam(models_folder() / "my-sam")
    options = ("--method", "medclip-sam", "--prompts", "both", "--padding", 0.1, "--points", 4, "--seed", 5)
    for out in (tmp_path / "one", tmp_path / "two"):
        assert call(monkeypatch, PICTURE, "--prompt", LESION, "--out", out, *options) == 0
    record, again = (json.loads((tmp_path / name / "run.json").read_text()) for name in ("one", "two"))
    assert (record["sam"], record["binarization"], record["seed"]) == ("my-sam", "crf", 5)
    assert len(record["sam_hash"]) == 64
    assert record["object_prompts"] == {"kind": "both", "padding": 0.1, "points": 4}
    (thing,) = record["results"][0]["slices"][0]["objects"]
    assert len(thing["points"]) == 4
    assert isinstance(thing["quality"], float)
    assert record["results"] == again["results"]


def test_without_sam_the_way_to_one_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, known_saliency: np.ndarray
) -> None:
    out = tmp_path / "out"
    for options, words in (
        ((), "models download sam-vit-huge"),
        (("--method", "medclip-sam"), "models download sam-vit-base"),
        (("--sam", "medsam"), "models download medsam"),
        (("--sam", "nonsense"), "no model 'nonsense'"),
        (("--sam", "none", "--confidence", 2), "least confidence is 2"),
        (("--sam", "none", "--window", 10, 10, "--preset", "lung"), "not both"),
    ):
        assert call(monkeypatch, PICTURE, "--prompt", LESION, "--out", out, *options) == 2
        sentence = capsys.readouterr().err
        assert words in sentence
        assert "--trace" not in sentence
    assert not out.exists()


@pytest.mark.parametrize("method", ["medclip-sam", "medclip-sam-v2"])
def test_both_methods_on_the_towers_of_the_bundled_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, method: str
) -> None:
    save_sam(models_folder() / "my-sam")
    out = tmp_path / "out"
    options = ("--method", method, "--plane", "sagittal", "--slices", "15:16", "--seed", 3, "--words")
    assert call(monkeypatch, VOLUME, "--prompt", "hippocampus", "--out", out, *options) == 0
    record = json.loads((out / "run.json").read_text())
    assert (record["model"], record["sam"], record["plane"]) == ("mini", "my-sam", "sagittal")
    assert record["saliency"]["method"] == {"medclip-sam": "gscorecam", "medclip-sam-v2": "m2ib"}[method]
    assert record["saliency"].get("seed", 3) == 3
    assert record["saliency"].get("channels", 75) == 75  # of 192, the share of 300 of 768
    saliency = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(out / "hippocampus.saliency.nrrd")))
    assert saliency.shape == read_volume(VOLUME).shape
    seen = np.flatnonzero(saliency.any(axis=(0, 1)))
    assert seen.tolist() == [item["slice_index"] for item in record["results"][0]["slices"]] == [15]
    words = record["results"][0]["words"]
    assert (words["slice_index"], words["sentence"]) == (15, "hippocampus")
    assert words["m2ib"][0][0] == words["gscorecam"][0][0] == "hippocampus"
    assert "words in slice 15, M2IB: hippocampus " in capsys.readouterr().out


def test_published_sentences_stand_for_the_prompt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = (CASES / "breast_ultrasound.jpg", "--prompt", "mass", "--sam", "none")
    study = ("--study", "breast ultrasound")
    out = tmp_path / "out"
    design = (*study, "--design", "P5", "--kind", "malignant", "--words")
    assert call(monkeypatch, *arguments, "--out", out, *design) == 0
    record = json.loads((out / "run.json").read_text())
    words = record["results"][0]["words"]
    assert words["sentence"] == record["sentences"]["mass"][0]
    assert [word for word, _ in words["m2ib"]] == [word for word, _ in words["gscorecam"]]
    assert {"mass", "malignant"} <= {word for word, _ in words["m2ib"]}
    assert max(weight for _, weight in words["m2ib"]) == 1
    line = ", ".join(f"{word} {weight:.2f}" for word, weight in words["gscorecam"])
    assert f"gScoreCAM: {line}\n" in capsys.readouterr().out
    assert len(record["sentences"]["mass"]) == 20
    assert (record["saliency"]["layer"], record["saliency"]["beta"]) == (9, 1.0)
    for options, words in (
        (("--design", "P2"), "choose a study too"),
        (("--study", "knee MRI"), "no study 'knee MRI'"),
        ((*study, "--design", "P3"), "need a kind"),
        ((*study, "--design", "P2", "--prompt", "another"), "a single prompt"),
        (("--model", "biomedclip"), "models download biomedclip"),
    ):
        assert call(monkeypatch, *arguments, "--out", tmp_path / "no", *options) == 2
        assert words in capsys.readouterr().err


def test_sentences_of_ones_own_stand_for_the_prompt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file, out = tmp_path / "sets.json", tmp_path / "out"
    study = {"object": "mass", "studies": ["breast ultrasound"], "features": ["a dark mass", "a round mass"]}
    file.write_text(json.dumps({"studies": {"my study": study}, "caption": ["{study} with {features}."]}))
    arguments = (CASES / "breast_ultrasound.jpg", "--prompt", "mass", "--sam", "none", "--prompt-sets", file)
    assert call(monkeypatch, *arguments, "--out", out, "--study", "my study", "--design", "P4") == 0
    sentences = json.loads((out / "run.json").read_text())["sentences"]
    assert sentences == {"mass": ["Breast ultrasound with a dark mass.", "Breast ultrasound with a round mass."]}
    for options, words in (
        (("--study", "brain MRI", "--design", "P4"), "choose one of my study"),
        (("--study", "my study"), "give a design, P0 to P5"),
        (("--study", "my study", "--design", "P1"), "need a kind; there is: none"),
    ):
        assert call(monkeypatch, *arguments, "--out", tmp_path / "no", *options) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("found", [True, False])
def test_words_are_asked_of_the_slice_with_the_largest_area(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: bool
) -> None:
    """Slices 4 to 8 of the volume; without a find the middle one speaks."""
    asked: list[np.ndarray] = []

    class Known:
        def __call__(self, image: np.ndarray, prompt: str) -> Generator[None, None, np.ndarray]:
            yield
            size = int(image.mean() * 1000) % 7 + 3 if found else 0
            mask = np.zeros(image.shape[:2], np.float32)
            mask[:size, :size] = 1
            return mask

        def words(self, image: np.ndarray, prompt: str, seed: int) -> Generator[None, None, object]:
            yield
            asked.append(image)
            return prompt, {"m2ib": [("a", 1 / 3)], "gscorecam": [("a", 1.0)]}

    monkeypatch.setattr(Models, "saliency", lambda *_: (Known(), {}))
    record = zeroshot(VOLUME, "a", tmp_path / "out", sam="none", plane="axial", slices="4:9", words=True).record
    words = record["results"][0]["words"]
    areas = [sum(thing["area"] for thing in item["objects"]) for item in record["results"][0]["slices"]]
    assert (max(areas) > 0) == found
    assert words["slice_index"] == 4 + (int(np.argmax(areas)) if found else 2)
    assert words["m2ib"] == [["a", 0.3333]]
    assert [image.shape[2] for image in asked] == [3]
