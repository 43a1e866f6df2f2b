"""The command line end to end with the bundled model on the bundled cases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
import slicer
from dicom_files import write_series
from PIL import Image

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.scene.tags import segment_record
from MedCLIPSegLogic.scene.volumes import volume_from_node
from MedCLIPSegLogic.volumes.readers import read_volume

PICTURE = CASES / "dermoscopy.jpg"
VOLUME = CASES / "hippocampus_mri.nii.gz"


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Exit code of ``medclipseg ARGUMENTS``."""
    monkeypatch.setattr(sys, "argv", ["medclipseg", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def load_segmentation(path: Path) -> tuple[slicer.vtkMRMLSegmentationNode, object]:
    session = create_scene()
    node = session.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = session.scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node, session


def test_segment_writes_everything_it_promises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prompts = ("skin lesion", "no such thing | here")
    options = [part for prompt in prompts for part in ("--prompt", prompt)]
    assert call(monkeypatch, "segment", PICTURE, *options, "--out", out, "--samples", 3, "--seed", 7) == 0
    slugs = ("skin-lesion", "no-such-thing-here")
    maps = [f"{slug}.{kind}.nrrd" for slug in slugs for kind in ("probability", "uncertainty")]
    assert sorted(p.name for p in out.iterdir()) == sorted(
        [*maps, "segmentation.seg.nrrd", "scene.mrb", "preview.png", "run.json"]
    )
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["prompts"] == list(prompts)
    assert (record["samples"], record["seed"], record["threshold"]) == (3, 7, 0.5)
    assert record["intensity"]["rule"] == "as-stored"
    assert len(record["input_hash"]) == len(record["model_hash"]) == 64
    assert {"medclipseg", "python", "torch"} <= set(record["versions"])
    assert (record["adaptive"], record["precision"], record["skipped_slices"]) == (None, "float32", [])
    probability = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(out / maps[0])))
    assert probability.shape == read_volume(PICTURE).shape
    result = record["results"][0]
    assert result["voxels"] == int((probability > 0.5).sum()) > 0
    assert result["area_mm2"] == pytest.approx(result["voxels"])
    assert result["spacing_known"] is False
    assert result["samples_drawn"] == [3]
    assert Image.open(out / "preview.png").size[0] > 600

    node, _session = load_segmentation(out / "segmentation.seg.nrrd")
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 2
    for number, prompt in enumerate(prompts):
        segment = segmentation.GetNthSegment(number)
        assert segment.GetName() == prompt
        assert segment_record(segment)["Prompt"] == prompt
    assert segmentation.GetNthSegment(0).GetColor() != segmentation.GetNthSegment(1).GetColor()


def test_scene_bundle_opens_with_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("segment", VOLUME, "--prompt", "hippocampus", "--out", out, "--samples", 2, "--slices", "15:20")
    assert call(monkeypatch, *arguments) == 0
    session = create_scene()
    assert session.scene.ReadFromMRB(str(out / "scene.mrb"))
    volumes = session.scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    assert session.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    found = [volume_from_node(volumes.GetItemAsObject(number)) for number in range(volumes.GetNumberOfItems())]
    wanted = [read_volume(path) for path in (VOLUME, *sorted(out.glob("hippocampus.*.nrrd")))]
    assert len(found) == 4  # the mutual information is in the scene alone
    for loaded, original in zip(found[:3], wanted, strict=True):
        assert np.array_equal(loaded.voxels, original.voxels)
        assert np.allclose(loaded.ijk_to_ras, original.ijk_to_ras, atol=1e-6)


def test_a_volume_is_measured_in_milliliters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("segment", VOLUME, "--prompt", "hippocampus", "--out", out, "--plane", "coronal")
    fast = ("--samples", 30, "--adaptive", "--precision", "fast")
    assert call(monkeypatch, *arguments, "--slices", "10:20", "--window", 200, 100, *fast) == 0
    record = json.loads((out / "run.json").read_text())
    assert record["adaptive"] == {"minimum": 3, "mask_change": 0.015, "entropy_change": 0.15}
    assert record["precision"] in ("int8", "bfloat16", "float16")
    drawn = record["results"][0]["samples_drawn"]
    assert len(drawn) == 10
    assert all(3 <= count <= 30 for count in drawn)
    assert (record["plane"], record["slices"]) == ("coronal", [10, 20])
    assert record["intensity"] | {"non_finite_voxels": 0} == {
        "rule": "window",
        "parameters": {"width": 200.0, "level": 100.0},
        "low": 0.0,
        "high": 200.0,
        "non_finite_voxels": 0,
    }
    result = record["results"][0]
    assert result["volume_ml"] == pytest.approx(result["voxels"] / 1000)
    probability = read_volume(out / "hippocampus.probability.nrrd")
    assert np.allclose(probability.ijk_to_ras, read_volume(VOLUME).ijk_to_ras, atol=1e-6)
    assert probability.voxels[:, 10:20].max() > 0
    assert not probability.voxels[:, :10].any()


def test_json_goes_to_the_output_stream(tmp_path: Path) -> None:
    arguments = ["segment", str(PICTURE), "--prompt", "lésion ≥ 5 mm", "--out", str(tmp_path / "out"), "--samples", "1"]
    finished = subprocess.run(
        [sys.executable, "-m", "MedCLIPSegLab", *arguments, "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert json.loads(finished.stdout) == record
    assert record["prompts"] == ["lésion ≥ 5 mm"]


def test_the_same_seed_gives_the_same_maps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("one", "two"):
        out = tmp_path / name
        assert call(monkeypatch, "segment", PICTURE, "--prompt", "lesion", "--out", out, "--samples", 2) == 0
    first, second = (read_volume(tmp_path / n / "lesion.probability.nrrd").voxels for n in ("one", "two"))
    assert np.array_equal(first, second)


def test_demo_reports_good_dice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "demo", "--out", tmp_path / "demo") == 0
    printed = capsys.readouterr().out
    dices = [float(line.split()[1]) for line in printed.splitlines() if line.strip().startswith("Dice")]
    assert len(dices) == 3
    assert min(dices) > 0.6
    assert len(list((tmp_path / "demo").glob("*/preview.png"))) == 3
    assert call(monkeypatch, "demo", "--out", tmp_path / "demo") == 2
    assert "already holds results" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["modules", "tiny_unimedclip"])
def test_verify_says_ok(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden_folder: Path, name: str
) -> None:
    assert call(monkeypatch, "verify", golden_folder / f"{name}.safetensors") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("verify: ok max_abs_error=")


def test_verify_fails_beyond_the_tolerance(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden_folder: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(golden_folder / "modules.safetensors")
    tensors["upscale.output"] = tensors["upscale.output"] + 2e-4
    save_file(tensors, tmp_path / "off.safetensors")
    assert call(monkeypatch, "verify", tmp_path / "off.safetensors") == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("verify: failed max_abs_error=2.0")


def test_evaluate_writes_its_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "sheet.csv").write_text(
        "Image,Description,Ground Truth\n"
        "breast_ultrasound.jpg,one medium tumor,breast_ultrasound_mask.png\n"
        "dermoscopy.jpg,skin lesion,dermoscopy_mask.png\n"
    )
    options = ("--images", CASES, "--labels", CASES, "--prompts", tmp_path / "sheet.csv", "--samples", 2)
    assert call(monkeypatch, "evaluate", "--model", "mini", *options, "--out", tmp_path / "out") == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["count"] == 2
    assert metrics["dice_mean"] > metrics["dice_all_foreground_mean"]
    assert "2 prompts: mean Dice" in capsys.readouterr().out


def test_help_names_every_command_and_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--help") == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("segment", "demo", "verify", "train", "evaluate", "bench"))
    assert call(monkeypatch, "segment", "--help") == 0
    printed = capsys.readouterr().out
    wanted = "--prompt --out --model --samples --threshold --plane --window --preset --device --seed --slices --json"
    assert all(option in printed for option in (*wanted.split(), "--adaptive", "--precision"))


@pytest.mark.parametrize("size", [(300, 1), (1, 300), (1, 1)])
def test_thin_pictures_and_mathematical_prompts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: tuple[int, int]
) -> None:
    Image.new("L", size, 90).save(tmp_path / "thin.png")
    arguments = ("segment", tmp_path / "thin.png", "--prompt", r"lesion $\frac$ of 5$", "--samples", 1)
    assert call(monkeypatch, *arguments, "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text())["prompts"] == [r"lesion $\frac$ of 5$"]


def test_a_sagittal_slice_has_an_area(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(1, 40, 30)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(data, np.diag([5.0, 2.0, 3.0, 1.0])), tmp_path / "slice.nii.gz")
    options = ("--prompt", "tumor", "--samples", 1, "--threshold", 0.001, "--out", tmp_path / "out")
    assert call(monkeypatch, "segment", tmp_path / "slice.nii.gz", *options) == 0
    result = json.loads((tmp_path / "out" / "run.json").read_text())["results"][0]
    assert result["voxels"] > 0
    assert result["area_mm2"] == pytest.approx(result["voxels"] * 6)
    assert "volume_ml" not in result


def test_pages_without_a_voxel_size_have_no_volume(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pages = [Image.new("L", (30, 20), shade) for shade in (10, 90, 200)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    options = ("--prompt", "tumor", "--samples", 1, "--out", tmp_path / "out")
    assert call(monkeypatch, "segment", tmp_path / "pages.tif", *options) == 0
    result = json.loads((tmp_path / "out" / "run.json").read_text())["results"][0]
    assert result["spacing_known"] is False
    assert "volume_ml" not in result


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_from_outside_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    arguments = ["segment", str(VOLUME), "--prompt", "hippocampus", "--samples", "1000", "--out", str(tmp_path / "out")]
    running = subprocess.Popen(
        [sys.executable, "-m", "MedCLIPSegLab", *arguments],
        stderr=subprocess.DEVNULL,
        # Programs in the background inherit that Ctrl+C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(list(tmp_path.iterdir())) == 1  # the staging folder
    running.send_signal(ending)
    assert running.wait(timeout=60) != 0
    assert list(tmp_path.iterdir()) == []


def test_an_oblique_dicom_series_keeps_its_geometry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    matrix = np.eye(4)
    turn = np.deg2rad(20)
    matrix[:3, :3] = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    matrix[:3, :3] *= (0.75, 0.5, 4.0)
    matrix[:3, 3] = (-30.5, 12.25, 7.0)
    voxels = np.random.default_rng(1).integers(-500, 500, (4, 24, 32), dtype=np.int16)
    (tmp_path / "series").mkdir()
    write_series(tmp_path / "series", voxels, matrix)
    options = ("--prompt", "tumor", "--samples", 1, "--preset", "brain", "--out", tmp_path / "out")
    assert call(monkeypatch, "segment", tmp_path / "series", *options) == 0
    probability = read_volume(tmp_path / "out" / "tumor.probability.nrrd")
    assert probability.shape == (4, 24, 32)
    assert np.allclose(probability.ijk_to_ras, matrix, atol=1e-5)


def test_voxels_that_are_not_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(20, 24, 5)).astype(np.float32)
    data[3:6, 3:6, 2] = np.nan
    data[0, 0, 0] = np.inf
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / "holes.nii.gz")
    options = ("--prompt", "tumor", "--samples", 1, "--out", tmp_path / "out")
    assert call(monkeypatch, "segment", tmp_path / "holes.nii.gz", *options) == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text())["intensity"]["non_finite_voxels"] == 10
    assert np.isfinite(read_volume(tmp_path / "out" / "tumor.uncertainty.nrrd").voxels).all()


def test_a_sixteen_bit_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (40, 50), dtype=np.uint16)
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    options = ("--prompt", "tumor", "--samples", 1, "--out", tmp_path / "out")
    assert call(monkeypatch, "segment", tmp_path / "deep.png", *options) == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text())["intensity"]["rule"] == "percentile"


def test_one_prompt_may_be_given_as_text(tmp_path: Path) -> None:
    from MedCLIPSegLogic import segment

    assert segment(PICTURE, "skin lesion", tmp_path / "out", samples=1)["prompts"] == ["skin lesion"]


def test_training_and_resuming_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "lesions"
    for kind in ("img", "label"):
        (data / "Train_Folder" / kind).mkdir(parents=True)
    (data / "Prompts_Folder").mkdir()
    Image.open(PICTURE).save(data / "Train_Folder" / "img" / "a.png")
    Image.open(CASES / "dermoscopy_mask.png").save(data / "Train_Folder" / "label" / "a.png")
    (data / "Prompts_Folder" / "Train_text.csv").write_text("Image,Description,Ground Truth\na.png,skin lesion,a.png\n")
    options = ("--data", data, "--out", tmp_path / "model", "--steps", 2, "--batch-size", 2, "--stages", "1:32")
    assert call(monkeypatch, "train", *options) == 0
    record = json.loads((tmp_path / "model" / "training.json").read_text())
    assert call(monkeypatch, "train", *options, "--resume") == 0
    assert json.loads((tmp_path / "model" / "training.json").read_text())["settings"] == record["settings"]
    capsys.readouterr()
    assert call(monkeypatch, "train", *options, "--resume", "--seed", 9) == 2
    assert "begun with seed 0, not 9" in capsys.readouterr().err
    arguments = ("segment", PICTURE, "--prompt", "skin lesion", "--samples", 1, "--out", tmp_path / "out")
    assert call(monkeypatch, *arguments, "--model", tmp_path / "model") == 0
