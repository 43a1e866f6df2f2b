"""``medclipseg segment`` end to end with the bundled model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
HANG_SECONDS = 600
Segment = Callable[..., dict[str, Any]]


@pytest.fixture
def segment(monkeypatch: pytest.MonkeyPatch) -> Segment:
    """Calls ``medclipseg segment``, which must succeed; gives its record."""

    def call(image: Path, out: Path, *options: object) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["medclipseg", "segment", *map(str, (image, "--out", out, *options))])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return json.loads((out / "run.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    return call


def test_everything_it_promises_is_written(segment: Segment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prompts = ("skin lesion", "another thing | here")
    options = [part for prompt in prompts for part in ("--prompt", prompt)]
    record = segment(PICTURE, out, *options, "--samples", 3, "--seed", 7, "--show-anyway")
    slugs = ("skin-lesion", "another-thing-here")
    maps = [f"{slug}.{kind}.nrrd" for slug in slugs for kind in ("probability", "uncertainty")]
    files = sorted([*maps, "segmentation.seg.nrrd", "scene.mrb", "preview.png", "run.json"])
    assert sorted(path.name for path in out.iterdir()) == record["files"] == files
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
    assert result["spacing_known"] is False
    assert "area_mm2" not in result
    assert record["notes"] == []
    assert result["samples_drawn"] == [3]
    assert Image.open(out / "preview.png").size[0] > 600

    session = create_scene()
    node = session.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = session.scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(out / "segmentation.seg.nrrd"))
    assert storage.ReadData(node)
    segmentation: slicer.vtkSegmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 2
    for number, prompt in enumerate(prompts):
        assert segmentation.GetNthSegment(number).GetName() == prompt
        assert segment_record(segmentation.GetNthSegment(number))["Prompt"] == prompt
    assert segmentation.GetNthSegment(0).GetColor() != segmentation.GetNthSegment(1).GetColor()

    segment(PICTURE, tmp_path / "again", "--prompt", prompts[0], "--samples", 3, "--seed", 7)
    again = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "again" / maps[0])))
    assert np.array_equal(again, probability)


def test_the_scene_opens_with_everything(segment: Segment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    segment(VOLUME, out, "--prompt", "hippocampus", "--samples", 2, "--slices", "15:18")
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


def test_a_volume_is_measured_in_milliliters(segment: Segment, tmp_path: Path) -> None:
    geometry = ("--plane", "coronal", "--slices", "10:14", "--window", 200, 100)
    fast = ("--samples", 30, "--adaptive", "--precision", "fast")
    record = segment(VOLUME, tmp_path / "out", "--prompt", "hippocampus", *geometry, *fast)
    assert record["adaptive"] == {"minimum": 3, "mask_change": 0.015, "entropy_change": 0.15}
    assert record["precision"] in ("int8", "bfloat16", "float16")
    drawn = record["results"][0]["samples_drawn"]
    assert len(drawn) == 4
    assert all(3 <= count <= 30 for count in drawn)
    assert (record["plane"], record["slices"]) == ("coronal", [10, 14])
    window = {"rule": "window", "parameters": {"width": 200.0, "level": 100.0}, "low": 0.0, "high": 200.0}
    assert record["intensity"] == {**window, "non_finite_voxels": 0}
    result = record["results"][0]
    assert result["volume_ml"] == pytest.approx(result["voxels"] / 1000)
    probability = read_volume(tmp_path / "out" / "hippocampus.probability.nrrd")
    assert np.allclose(probability.ijk_to_ras, read_volume(VOLUME).ijk_to_ras, atol=1e-6)
    assert probability.voxels[:, 10:14].max() > 0
    assert not probability.voxels[:, :10].any()


def test_volumes_of_samples_are_recorded_and_told(
    segment: Segment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slices = ("--plane", "sagittal", "--slices", "14:20", "--samples", 3, "--prompt", "hippocampus")
    whole = segment(VOLUME, tmp_path / "whole", *slices, "--noise", "volume", "--smoothing", 1.5)
    assert (whole["noise"], whole["smoothing"]) == ("volume", 1.5)
    result = whole["results"][0]
    volumes, spread = result["sample_volumes_ml"], result["sample_volume_ml"]
    assert len(volumes) == 3
    assert (spread["mean"], spread["sd"]) == pytest.approx((np.mean(volumes), np.std(volumes, ddof=1)), abs=1e-6)
    assert min(volumes) > 0
    assert f", samples {spread['mean']:.2f} ml, SD {spread['sd']:.3f} ml" in capsys.readouterr().out
    single = segment(VOLUME, tmp_path / "single", *slices)
    assert (single["noise"], single["smoothing"]) == ("slice", 0)
    assert not {"sample_volumes_ml", "sample_volume_ml"} & set(single["results"][0])
    assert single["results"][0]["voxels"] != result["voxels"]


def test_islands_that_are_removed_are_recorded_and_told(
    segment: Segment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slices = ("--plane", "sagittal", "--slices", "14:20", "--samples", 1, "--prompt", "hippocampus")
    whole = segment(VOLUME, tmp_path / "whole", *slices)
    assert whole["islands"] == {"keep": "all", "unit": None}
    assert "removed_islands" not in whole["results"][0]
    assert " removed (" not in capsys.readouterr().out
    few = segment(VOLUME, tmp_path / "few", *slices, "--islands", 1_000_000)
    assert few["islands"] == {"keep": 1_000_000, "unit": "mm³"}
    [result], voxels = few["results"], whole["results"][0]["voxels"]
    removed = result["removed_islands"]
    assert (result["voxels"], removed["voxels"], sum(removed["sizes"])) == (0, voxels, voxels)
    assert removed["count"] == len(removed["sizes"]) > 0
    told = capsys.readouterr().out
    assert "hippocampus: nothing kept, " in told
    assert f" removed ({voxels} voxels)" in told


@pytest.mark.slow
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


def test_thin_pictures_and_mathematical_prompts(segment: Segment, tmp_path: Path) -> None:
    for size in ((300, 1), (1, 300), (1, 1)):
        Image.new("L", size, 90).save(tmp_path / "thin.png")
        options = ("--prompt", r"lesion $\frac$ of 5$", "--samples", 1, "--overwrite")
        assert segment(tmp_path / "thin.png", tmp_path / "out", *options)["prompts"] == [r"lesion $\frac$ of 5$"]


def test_sizes_are_told_only_where_they_are_known(segment: Segment, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(1, 40, 30)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(data, np.diag([5.0, 2.0, 3.0, 1.0])), tmp_path / "sagittal.nii.gz")
    options = ("--prompt", "tumor", "--samples", 1, "--show-anyway")
    record = segment(tmp_path / "sagittal.nii.gz", tmp_path / "one", *options, "--threshold", 1e-7)
    assert record["results"][0]["voxels"] > 0
    assert record["results"][0]["area_mm2"] == pytest.approx(record["results"][0]["voxels"] * 6)
    assert "volume_ml" not in record["results"][0]
    pages = [Image.new("L", (30, 20), shade) for shade in (10, 90, 200)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    record = segment(tmp_path / "pages.tif", tmp_path / "two", *options)
    assert record["results"][0]["spacing_known"] is False
    assert not {"area_mm2", "volume_ml"} & set(record["results"][0])


def test_masks_of_pictures_lie_on_the_picture_in_other_programs(
    segment: Segment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exif = Image.Exif()
    exif[274] = 6
    picture = Image.open(PICTURE)
    picture.save(tmp_path / "dense.tif", dpi=(300, 150))
    picture.save(tmp_path / "turned.jpg", dpi=(96, 96), exif=exif)
    for name in ("dense.tif", "turned.jpg"):
        out = tmp_path / name.partition(".")[0]
        record = segment(tmp_path / name, out, "--prompt", "skin lesion", "--samples", 1)
        shown, mask = SimpleITK.ReadImage(str(tmp_path / name)), SimpleITK.ReadImage(str(out / "segmentation.seg.nrrd"))
        size = (*shown.GetSize(), 1)
        corners = [(x, y) for x in (0, size[0] - 1) for y in (0, size[1] - 1)]
        wanted = sorted((*shown.TransformIndexToPhysicalPoint(corner), 0.0) for corner in corners)
        columns, rows, _ = mask.GetSize()
        found = [(i, j, 0) for i in (0, columns - 1) for j in (0, rows - 1)]
        np.testing.assert_allclose(sorted(map(mask.TransformIndexToPhysicalPoint, found)), wanted, atol=1e-6)
        assert record["results"][0]["voxels"] > 0
        assert f"{record['results'][0]['voxels']} pixels" in capsys.readouterr().out
        session = create_scene()
        assert session.scene.ReadFromMRB(str(out / "scene.mrb"))
        scene_image = volume_from_node(session.scene.GetFirstNodeByClass("vtkMRMLVectorVolumeNode"))
        np.testing.assert_allclose(scene_image.ijk_to_ras, read_volume(tmp_path / name).ijk_to_ras, atol=1e-9)
        assert not scene_image.spacing_known


def test_what_the_header_leaves_open_is_told(
    segment: Segment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = nibabel.Nifti1Image(np.zeros((30, 20, 3), np.float32), np.diag([-1, -1, 2, 1]))
    image.set_qform(np.diag([1, -1, 2, 1]), 1)
    image.to_filename(tmp_path / "mirrored.nii.gz")
    record = segment(tmp_path / "mirrored.nii.gz", tmp_path / "out", "--prompt", "tumor", "--samples", 1)
    assert len(record["notes"]) == 1
    assert "states places for its voxels that lie up to" in record["notes"][0]
    assert f"Note: {record['notes'][0]}\n" in capsys.readouterr().out


def test_unusual_voxels(segment: Segment, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(20, 24, 5)).astype(np.float32)
    data[3:6, 3:6, 2] = np.nan
    data[0, 0, 0] = np.inf
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / "holes.nii.gz")
    options = ("--prompt", "tumor", "--samples", 1, "--show-anyway")
    assert segment(tmp_path / "holes.nii.gz", tmp_path / "one", *options)["intensity"]["non_finite_voxels"] == 10
    assert np.isfinite(read_volume(tmp_path / "one" / "tumor.uncertainty.nrrd").voxels).all()
    pixels = np.random.default_rng(0).integers(0, 65536, (40, 50), dtype=np.uint16)
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    assert segment(tmp_path / "deep.png", tmp_path / "two", *options)["intensity"]["rule"] == "percentile"


def test_an_oblique_dicom_series_keeps_its_geometry(segment: Segment, tmp_path: Path) -> None:
    matrix = np.eye(4)
    turn = np.deg2rad(20)
    matrix[:3, :3] = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    matrix[:3, :3] *= (0.75, 0.5, 4.0)
    matrix[:3, 3] = (-30.5, 12.25, 7.0)
    voxels = np.random.default_rng(1).integers(-500, 500, (4, 24, 32), dtype=np.int16)
    (tmp_path / "series").mkdir()
    write_series(tmp_path / "series", voxels, matrix)
    segment(
        tmp_path / "series", tmp_path / "out", "--prompt", "tumor", "--samples", 1, "--preset", "brain", "--show-anyway"
    )
    probability = read_volume(tmp_path / "out" / "tumor.probability.nrrd")
    assert probability.shape == (4, 24, 32)
    assert np.allclose(probability.ijk_to_ras, matrix, atol=1e-5)


@pytest.mark.slow
def test_a_run_ended_from_outside_leaves_nothing(tmp_path: Path) -> None:
    running = {}
    for ending in (signal.SIGTERM, signal.SIGINT):
        folder = tmp_path / ending.name
        folder.mkdir()
        options = ("--prompt", "hippocampus", "--samples", "1000", "--out", str(folder / "out"))
        running[ending] = (
            folder,
            subprocess.Popen(
                [sys.executable, "-m", "MedCLIPSegLab", "segment", str(VOLUME), *options],
                stderr=subprocess.DEVNULL,
                # Programs in the background inherit that Ctrl+C is ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            ),
        )
    for ending, (folder, process) in running.items():
        while not list(folder.iterdir()):
            assert process.poll() is None
            time.sleep(0.05)
        assert len(list(folder.iterdir())) == 1  # the staging folder
        process.send_signal(ending)
        assert process.wait(HANG_SECONDS) != 0
        assert list(folder.iterdir()) == []


def test_three_planes_tell_their_cost_first_and_leave_their_disagreement(
    segment: Segment, a_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, out = tmp_path / "block.nii.gz", tmp_path / "out"
    voxels = np.random.default_rng(5).normal(100, 30, (9, 13, 11)).astype(np.float32)
    for spacing, sentence, weights in (
        (1.5, "Three planes: 33 slices instead of 11, at most 3 times the work.", [0.3333, 0.3333, 0.3333]),
        (4.0, "Only the axial plane was segmented, as slices in the others would be stripes.", [1.0]),
    ):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, spacing, 1.0])), image)
        options = ("--model", a_model_folder, "--samples", 2, "--threshold", 0.45, "--three-planes", "--overwrite")
        record = segment(image, out, "--prompt", "tumor", *options)
        told = capsys.readouterr()
        assert told.err.strip() == sentence
        assert (record["plane"], record["plane_chosen_by"]) == ("axial", "acquisition")
        assert list(record["three_planes"]["weights"].values()) == weights
        is_fused = len(weights) > 1
        assert record["notes"] == ([] if is_fused else [sentence])
        assert ("tumor.disagreement.nrrd" in record["files"]) is is_fused
        [result] = record["results"]
        assert ("plane_agreement" in result) is is_fused
        if is_fused:
            assert f", Dice of the planes {result['plane_agreement']:.2f}" in told.out
            between = read_volume(out / "tumor.disagreement.nrrd").voxels
            assert 0 < between.max() <= np.log(2)
