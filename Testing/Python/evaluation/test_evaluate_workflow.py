"""`evaluate` from sheet to tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.workflows.evaluate import evaluate


@pytest.fixture
def a_study(tmp_path: Path) -> Path:
    """Two pictures, one of them without truth, and a volume with labels."""
    rng = np.random.default_rng(2)
    (tmp_path / "img").mkdir()
    (tmp_path / "label").mkdir()
    for name, inside in (("a.png", True), ("b.png", False)):
        mask = np.zeros((40, 50), np.uint8)
        mask[10:30, 10:30] = 255 * inside
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / "img" / name)
        Image.fromarray(mask).save(tmp_path / "label" / name)
    labels = np.zeros((20, 18, 4), np.uint8)
    labels[4:9, 4:9, 1:3] = 7
    for kind, data in (("img", labels * 9.0), ("label", labels)):
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / kind / "v.nii.gz")
    rows = ["a.png,thing,a.png,", "b.png,thing,b.png,", 'v.nii.gz,thing,v.nii.gz,"7,8"']
    (tmp_path / "sheet.csv").write_text("\n".join(["Image,Description,Ground Truth,Label Values", *rows]))
    return tmp_path


def test_tables_agree_with_each_other(a_study: Path, a_model_folder: Path) -> None:
    seen = []
    out = a_study / "out"
    arguments = (a_model_folder, a_study / "img", a_study / "label", a_study / "sheet.csv", out)
    metrics = evaluate(*arguments, samples=2, progress=lambda *step: seen.append(step[:2]))
    rows = list(csv.DictReader((out / "metrics.csv").open()))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [row["image"] for row in rows] == ["a.png", "b.png", "v.nii.gz"]
    dices = [float(row["dice"]) for row in rows]
    assert metrics["dice_mean"] == pytest.approx(np.mean(dices))
    assert metrics["dice_median"] == pytest.approx(np.median(dices))
    assert (metrics["count"], metrics["count_empty_truth"]) == (3, 1)
    assert metrics == json.loads((out / "metrics.json").read_text())
    assert float(rows[0]["truth_share"]) == pytest.approx(400 / 2000)
    assert float(rows[0]["dice_all_foreground"]) == pytest.approx(2 * 400 / 2400)
    assert float(rows[1]["dice_empty"]) == 1
    assert float(rows[2]["truth_share"]) == pytest.approx(50 / (20 * 18 * 4))
    assert rows[2]["nsd_published"] == ""


def test_limit_and_overwrite(a_study: Path, a_model_folder: Path) -> None:
    arguments = (a_model_folder, a_study / "img", a_study / "label", a_study / "sheet.csv", a_study / "out")
    assert evaluate(*arguments, samples=1, limit=2)["count"] == 2
    with pytest.raises(MedCLIPSegError, match="already holds results"):
        evaluate(*arguments, samples=1)
    assert evaluate(*arguments, samples=1, overwrite=True)["count"] == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [({"samples": 0}, "samples"), ({"limit": 0}, "limit"), ({"prompts": "none.xlsx"}, "no prompt sheet")],
)
def test_bad_input_leaves_nothing(a_study: Path, a_model_folder: Path, change: dict, words: str) -> None:
    settings = {"model": a_model_folder, "images": a_study / "img", "labels": a_study / "label"}
    settings |= {"prompts": a_study / "sheet.csv", "out": a_study / "out"} | change
    with pytest.raises(MedCLIPSegError, match=words):
        evaluate(**settings)
    assert sorted(path.name for path in a_study.iterdir()) == ["a_model", "img", "label", "sheet.csv"]


def test_a_mask_of_another_size_is_named(a_study: Path, a_model_folder: Path) -> None:
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(a_study / "label" / "a.png")
    with pytest.raises(MedCLIPSegError, match=r"label.a\.png has 5 x 5 x 1 voxels"):
        evaluate(a_model_folder, a_study / "img", a_study / "label", a_study / "sheet.csv", a_study / "out")
    assert not (a_study / "out").exists()
