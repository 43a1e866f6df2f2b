"""`evaluate --masks` on what the other commands write."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLab.evaluation.evaluate import evaluate
from MedCLIPSegLab.evaluation.evaluate_masks import evaluate_masks
from MedCLIPSegLab.results.segmenting import segment, zeroshot
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.image_writing import write_image
from MedCLIPSegLogic.volumes.readers import read_volume

IMAGES = ("a.png", "b.png", "v.nii.gz")
OF_SAMPLES = {"auroc_mutual_information", "mutual_information_share", "sample_dice", "seconds"}
"""What only the model itself can tell."""


@pytest.fixture
def segmented(a_study: Path, a_model_folder: Path) -> Path:
    """Results of `segment`, a folder an image."""
    for number, name in enumerate(IMAGES):
        segment(a_study / "img" / name, "thing", a_study / "made" / str(number), a_model_folder, samples=2)
    return a_study / "made"


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def titles(folder: Path) -> list[str]:
    return re.findall("<h2>(.*)</h2>", (folder / "report.html").read_text(encoding="utf-8"))


def test_results_of_segment_score_as_the_model_that_made_them(
    a_study: Path, a_model_folder: Path, segmented: Path
) -> None:
    arguments = (a_study / "img", a_study / "label", a_study / "sheet.csv")
    known = evaluate(a_model_folder, *arguments, a_study / "model", samples=2)
    found = evaluate_masks(segmented, a_study / "masks", *arguments)
    for ours, theirs in zip(table(a_study / "masks"), table(a_study / "model"), strict=True):
        assert set(ours) == set(theirs)
        for name in ours:
            if name in OF_SAMPLES:
                assert ours[name] == ""
            elif re.fullmatch(r"[\d.e-]+", theirs[name]):
                assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-6)
            else:
                assert ours[name] == theirs[name]
    same = {name: value for name, value in known["pooled"].items() if name not in OF_SAMPLES}
    assert None not in same.values()
    assert found["pooled"] == pytest.approx(same | {"auroc_mutual_information": None})
    assert found["dice_interval"] == pytest.approx(known["dice_interval"])
    assert (found["spearman_uncertainty_error"], found["image_aurc"]) == (
        pytest.approx(known["spearman_uncertainty_error"]),
        pytest.approx(known["image_aurc"]),
    )
    assert found == json.loads((a_study / "masks" / "metrics.json").read_text())
    assert titles(a_study / "masks") == titles(a_study / "model")


def test_results_of_zeroshot_are_calibrated_by_their_score_map(a_study: Path) -> None:
    zeroshot(a_study / "img" / "a.png", ("thing", "other"), a_study / "made", sam="none")
    (a_study / "img" / "b.png").unlink()
    (a_study / "img" / "v.nii.gz").unlink()
    arguments = {"images": a_study / "img", "labels": a_study / "label"}
    with pytest.raises(MedCLIPSegError, match=r"made has several prompts, none of them “”; give a sheet"):
        evaluate_masks(a_study / "made", a_study / "out", **arguments)
    (a_study / "one.csv").write_text("Image,Description,Ground Truth\na.png,Thing,a.png")
    metrics = evaluate_masks(a_study / "made", a_study / "out", prompts=a_study / "one.csv", **arguments)
    score = read_volume(a_study / "made" / "thing.probability.nrrd").voxels[0]
    truth = np.array(Image.open(a_study / "label" / "a.png")) > 127
    assert metrics["pooled"]["brier"] == pytest.approx(np.square(score - truth).mean(), rel=1e-5)
    assert metrics["dice_mean"] == pytest.approx(
        2 * ((score > 0.5) & truth).sum() / ((score > 0.5).sum() + truth.sum())
    )


def beside(folder: Path, kind: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """A map of the picture a.png beside its mask."""
    volume = read_volume(folder / "a.png")
    write_image(change(volume.voxels / 255).astype(np.float32), volume.ijk_to_ras, folder / f"a.{kind}.nrrd")


def test_maps_beside_plain_masks_are_used(a_study: Path) -> None:
    masks = a_study / "plain"
    shutil.copytree(a_study / "label", masks)
    arguments = (a_study / "img", a_study / "label", a_study / "sheet.csv")
    (masks / "v.nii.gz").unlink()
    evaluate_masks(masks, a_study / "none", *arguments, limit=2)
    assert titles(a_study / "none") == [
        "Agreement with the truth",
        "Dice of the images",
        "Cases",
        "How it was measured",
    ]
    page = (a_study / "none" / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    assert len(sources) == 1 + 2  # a plot and two cases
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "Monte-Carlo" not in page
    beside(masks, "probability", lambda truth: 0.2 + 0.6 * truth)
    metrics = evaluate_masks(masks, a_study / "some", *arguments, limit=2)
    assert metrics["pooled"]["ece"] == pytest.approx(0.2, abs=1e-6)
    assert metrics["pooled"]["brier"] == pytest.approx(0.04, abs=1e-6)
    entropy = -0.2 * np.log(0.2) - 0.8 * np.log(0.8)
    assert [row["mean_uncertainty"][:6] for row in table(a_study / "some")] == [f"{entropy:.4f}", ""]
    assert (metrics["ece_count"], metrics["mean_uncertainty_count"]) == (1, 1)
    assert "Calibration" in titles(a_study / "some")
    beside(masks, "uncertainty", lambda truth: 0.1 + 0 * truth)
    evaluate_masks(masks, a_study / "both", *arguments, limit=2)
    assert float(table(a_study / "both")[0]["mean_uncertainty"]) == pytest.approx(0.1)
    beside(masks, "probability", lambda truth: 2 * truth)
    with pytest.raises(MedCLIPSegError, match=r"a\.probability\.nrrd holds values outside 0 to 1"):
        evaluate_masks(masks, a_study / "wrong", *arguments, limit=2)
    assert not (a_study / "wrong").exists()


def test_results_that_cannot_be_told_apart_or_read_are_named(a_study: Path) -> None:
    segmented = a_study / "made"
    record = {"threshold": 0.5, "results": [{"prompt": "thing", "slug": "thing"}]}
    for number, name in enumerate(IMAGES):
        (segmented / str(number)).mkdir(parents=True)
        (segmented / str(number) / "run.json").write_text(json.dumps(record | {"input": f"C:\\study\\{name}"}))
    arguments = (a_study / "out", a_study / "img", a_study / "label", a_study / "sheet.csv")
    shutil.copytree(segmented / "0", segmented / "again")
    with pytest.raises(MedCLIPSegError, match=r"made.0 and .*again are both results of the image a\.png"):
        evaluate_masks(segmented, *arguments)
    shutil.rmtree(segmented / "again")
    with pytest.raises(MedCLIPSegError, match=r"made holds no mask of an image"):  # no map is there
        evaluate_masks(segmented, *arguments)
    path = segmented / "0" / "run.json"
    record = json.loads(path.read_text())
    for change, words in (
        ({"results": [{"prompt": "thing", "slug": "../../img/a"}]}, "names files outside its folder"),
        ({"threshold": None}, "cannot be read"),
        ({"results": 3}, "cannot be read"),
    ):
        path.write_text(json.dumps(record | change))
        with pytest.raises(MedCLIPSegError, match=words):
            evaluate_masks(segmented, *arguments)
    assert not (a_study / "out").exists()


def test_what_is_there_is_scored_and_what_is_missing_is_named(
    a_study: Path, segmented: Path, call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (segmented / "1" / "thing.probability.nrrd").unlink()  # as where the answer is held back
    shutil.copy(a_study / "img" / "a.png", a_study / "img" / "x.png")
    volume = (a_study / "img" / "v.nii.gz").rename(a_study / "v.nii.gz")  # of labels, which need a sheet
    folders = ("--images", a_study / "img", "--labels", a_study / "label", "--out", a_study / "out")
    assert call("evaluate", "--masks", segmented, *folders) == 0
    told = capsys.readouterr().out
    assert "Not counted, 1 without a mask: b.png." in told
    assert "Not counted, 1 without a known mask: x.png." in told
    metrics = json.loads((a_study / "out" / "metrics.json").read_text())
    assert (metrics["count"], metrics["without_mask"], metrics["without_known_mask"]) == (1, ["b.png"], ["x.png"])
    assert [row["image"] for row in table(a_study / "out")] == ["a.png"]
    assert "Not counted, 1 without a mask:</b> b.png" in (a_study / "out" / "report.html").read_text(encoding="utf-8")
    shutil.rmtree(segmented / "0")
    volume.rename(a_study / "img" / "v.nii.gz")
    sheet = ("--prompts", a_study / "sheet.csv", "--overwrite")
    assert call("evaluate", "--masks", segmented, *folders, *sheet) == 0
    assert json.loads((a_study / "out" / "metrics.json").read_text())["without_mask"] == ["a.png", "b.png"]
    assert call("evaluate", "--masks", segmented, *folders, *sheet, "--seed", 3) == 2
    assert "need no --seed" in capsys.readouterr().err
