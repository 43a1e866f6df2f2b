"""`evaluate` from sheet to tables."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLab.evaluation.evaluate import evaluate, evaluate_sets
from MedCLIPSegLogic.errors import MedCLIPSegError


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
    assert [row["unit"] for row in rows] == ["px", "px", "mm"]
    for name in ("iou", "nsd", "ece", "brier", "aurc", "sample_dice"):
        assert metrics[f"{name}_mean"] == pytest.approx(np.mean([float(row[name]) for row in rows]))
    low, high = metrics["dice_interval"]
    assert low <= metrics["dice_mean"] <= high
    [group] = metrics["groups"]
    assert {name: value for name, value in metrics.items() if name in group} == {
        name: value for name, value in group.items() if name in metrics
    }


def test_limit_and_overwrite(a_study: Path, a_model_folder: Path) -> None:
    arguments = (a_model_folder, a_study / "img", a_study / "label", a_study / "sheet.csv", a_study / "out")
    assert evaluate(*arguments, samples=1, limit=2)["count"] == 2
    with pytest.raises(MedCLIPSegError, match="already holds results"):
        evaluate(*arguments, samples=1)
    assert evaluate(*arguments, samples=1, overwrite=True)["count"] == 3


def test_bad_input_leaves_nothing(a_study: Path, a_model_folder: Path) -> None:
    for change, words in [
        ({"samples": 0}, "samples"),
        ({"limit": 0}, "limit"),
        ({"tolerance": -1.0}, "tolerance is -1.0; it must be at least 0"),
        ({"tolerance": float("nan")}, "tolerance"),
        ({"prompts": "none.xlsx"}, "no prompt sheet"),
    ]:
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


@pytest.fixture
def two_sets(a_study: Path, tmp_path: Path) -> list[Path]:
    """Two data sets in MedCLIPSeg's layout; one has two prompt styles."""
    folders = [tmp_path / "sets" / name for name in ("first", "second")]
    for number, folder in enumerate(folders):
        for part in ("img", "label"):
            (folder / "Test_Folder" / part).mkdir(parents=True)
            for name in ("a.png", "b.png"):
                shutil.copy(a_study / part / name, folder / "Test_Folder" / part / name)
        (folder / "Prompts_Folder").mkdir()
        for style in ("underdescriptive", "original")[number:]:
            lines = ["Image,Description,Ground Truth", f"a.png,{style} | <b>thing</b>,a.png", f"b.png,{style},b.png"]
            (folder / "Prompts_Folder" / f"Test_text_{style}.csv").write_text("\n".join(lines))
    return folders


def test_sets_and_styles_are_told_apart(two_sets: list[Path], a_model_folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    metrics = evaluate_sets(
        a_model_folder, two_sets, tmp_path / "out", samples=2, progress=lambda *step: seen.append(step[:2])
    )
    names = [(group["set"], group["style"], group["count"]) for group in metrics["groups"]]
    assert names == [("first", "original", 2), ("first", "underdescriptive", 2), ("second", "original", 2)]
    assert seen == [(number, 6) for number in range(1, 7)]
    assert metrics["dice_mean"] == pytest.approx(np.mean([group["dice_mean"] for group in metrics["groups"]]))
    rows = list(csv.DictReader((tmp_path / "out" / "metrics.csv").open()))
    assert [(row["set"], row["style"]) for row in rows[::2]] == [name[:2] for name in names]
    assert len(metrics["sheets"]) == 3
    assert all(len(sheet["prompts_hash"]) == 64 for sheet in metrics["sheets"])


def test_one_style_alone(two_sets: list[Path], a_model_folder: Path, tmp_path: Path) -> None:
    metrics = evaluate_sets(a_model_folder, two_sets[:1], tmp_path / "out", ["original"], samples=1, limit=1)
    assert [(group["style"], group["count"]) for group in metrics["groups"]] == [("original", 1)]
    with pytest.raises(MedCLIPSegError, match="wanted styles; it has Test_text_original"):
        evaluate_sets(a_model_folder, two_sets, tmp_path / "other", ["underdescriptive"], samples=1)
    assert not (tmp_path / "other").exists()


def test_a_set_without_test_images_is_named(a_model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match=r"no Test_Folder/img"):
        evaluate_sets(a_model_folder, [tmp_path], tmp_path / "out")


@pytest.mark.slow
def test_the_report_needs_no_other_file(two_sets: list[Path], a_model_folder: Path, tmp_path: Path) -> None:
    metrics = evaluate_sets(a_model_folder, two_sets, tmp_path / "out", samples=2)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    # Three plots, and the best and the worst of two images in three groups.
    assert len(sources) == 3 + 2 * 3
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "@import" not in page
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert f"<b>{metrics['dice_mean']:.3f}</b>" in page
    assert "original | &lt;b&gt;thing&lt;/b&gt;" in page
    for picture in re.findall(r"base64,([A-Za-z0-9+/=]+)", page):
        assert Image.open(io.BytesIO(base64.b64decode(picture))).format == "PNG"


def test_seed_and_device_are_used_and_recorded(
    a_study: Path, a_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (a_model_folder, a_study / "img", a_study / "label", a_study / "sheet.csv", a_study / "out")
    found = {}
    for seed in (0, 4, 4):
        metrics = evaluate(*arguments, samples=2, limit=1, seed=seed, device="cpu", overwrite=True)
        assert (metrics["seed"], metrics["device"]) == (seed, "cpu")
        same = (metrics["brier_mean"], metrics["sample_dice_mean"])
        assert found.setdefault(seed, same) == same
    assert found[0][0] != found[4][0]
    assert found[0][1] != found[4][1]
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(MedCLIPSegError, match="no CUDA device"):
        evaluate(*arguments, samples=2, device="cuda", overwrite=True)
