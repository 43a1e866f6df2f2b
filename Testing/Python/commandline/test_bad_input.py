"""Bad input gets one clear sentence, exit code 2, and no output."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from MedCLIPSegLab.results.demo import CASES

PICTURE = CASES / "dermoscopy.jpg"
Call = Callable[..., int]
Refusal = Callable[..., str]


def test_options(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[tuple[tuple[object, ...], str]] = [
        (("--prompt", ""), "prompt is empty"),
        (("--prompt", "   "), "prompt is empty"),
        (("--prompt", "lesion \udcff"), "no text"),
        (("--prompt", "a", "--prompt", "a"), "given twice"),
        (("--prompt", "a", "--threshold", "0"), "threshold is 0.0"),
        (("--prompt", "a", "--threshold", "1.5"), "threshold is 1.5"),
        (("--prompt", "a", "--threshold", "nan"), "threshold"),
        (("--prompt", "a", "--samples", "0"), "samples is 0"),
        (("--prompt", "a", "--samples", "5000"), "samples is 5000"),
        (("--prompt", "a", "--seed", "-1"), "seed is -1"),
        (("--prompt", "a", "--model", "maxi"), "no model 'maxi'"),
        (("--prompt", "a", "--preset", "pizza"), "pizza"),
        (("--prompt", "a", "--window", "0", "40"), "width"),
        (("--prompt", "a", "--window", "40", "40", "--preset", "lung"), "not both"),
        (("--prompt", "a", "--preset", "lung"), "color"),
        (("--prompt", "a", "--slices", "2:9"), "slice range"),
        (("--prompt", "a", "--slices", "x"), "slice range"),
        (("--prompt", "a", "--plane", "coronal"), "coronal"),
    ]
    for options, words in refused:
        assert words in refusal("segment", PICTURE, *options), options
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "no CUDA" in refusal("segment", PICTURE, "--prompt", "a", "--device", "cuda")


def test_an_environment_that_the_library_of_the_hub_trips_over(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("HF_ENDPOINT", "http://["),
        ("HF_ENDPOINT", "http://hub:99999"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "soon"),
        ("HF_HUB_ETAG_TIMEOUT", "-1"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert name in refusal("segment", PICTURE, "--prompt", "a")


def test_files_that_are_no_images(refusal: Refusal, tmp_path: Path) -> None:
    assert "gone.nii.gz" in refusal("segment", tmp_path / "gone.nii.gz", "--prompt", "a")
    for name in ("text.png", "text.nii.gz", "text.nrrd", "text.mha", "text.tif", "text.xyz", "text"):
        (tmp_path / name).write_text("hello, this is no image")
        assert name in refusal("segment", tmp_path / name, "--prompt", "a")
    for name in ("dermoscopy.jpg", "hippocampus_mri.nii.gz"):
        whole = (CASES / name).read_bytes()
        for share in (0.0, 0.3, 0.7, 0.95):
            (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
            assert name in refusal("segment", tmp_path / name, "--prompt", "a"), share
    (tmp_path / "series").mkdir()
    assert "series" in refusal("segment", tmp_path / "series", "--prompt", "a")
    for shape, words in (((4, 4, 3, 2), "several volumes"), ((0, 4, 3), "no voxels")):
        nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.float32), np.eye(4)), tmp_path / "image.nii.gz")
        sentence = refusal("segment", tmp_path / "image.nii.gz", "--prompt", "a")
        assert "image.nii.gz" in sentence
        assert words in sentence


def test_places_that_cannot_be_written(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "run.json").write_text('{"files": ["run.json"]}')
    for place, words in (("file/out", "cannot be written"), ("file", "is a file"), ("full", "--overwrite")):
        assert words in refusal("segment", PICTURE, "--prompt", "a", out=tmp_path / place)


def test_failures_anywhere_leave_nothing(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object) -> None:
        raise MemoryError

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    results, library = "MedCLIPSegLab.results", "MedCLIPSegLogic.model.library.load_model"
    for step in (f"{results}.inputs.read_volume", library, f"{results}.segmentation.write_result_files"):
        with monkeypatch.context() as patch:
            patch.setattr(step, out_of_memory)
            assert "too little memory" in refusal("segment", PICTURE, "--prompt", "a", "--samples", 1), step
    with monkeypatch.context() as patch:
        patch.setattr("MedCLIPSegLab.results.result_files.preview_figure", full)
        assert "No space left" in refusal("segment", PICTURE, "--prompt", "a", "--samples", 1)
    monkeypatch.setattr("MedCLIPSegLogic.inference.device.free_memory", lambda device: 1000)
    assert "memory" in refusal("segment", PICTURE, "--prompt", "a")


def test_damaged_model(refusal: Refusal, the_model_folder: Path, tmp_path: Path) -> None:
    config = json.loads((the_model_folder / "config.json").read_text())
    config["image"]["mlp_ratio"] = 3.0
    weights = (the_model_folder / "model.safetensors").read_bytes()
    damages: dict[str, tuple[str, bytes | None]] = {
        "truncated": ("model.safetensors", weights[:5000]),
        "foreign": ("model.safetensors", (8).to_bytes(8, "little") + b'{"a":1} '),
        "pickled": ("model.safetensors", b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00."),
        "other-sizes": ("config.json", json.dumps(config).encode()),
        "no-config": ("config.json", None),
        "no-vocabulary": ("vocab.txt", None),
    }
    for name, (file, content) in damages.items():
        folder = shutil.copytree(the_model_folder, tmp_path / name)
        (folder / file).unlink()
        if content is not None:
            (folder / file).write_bytes(content)
        assert name in refusal("segment", PICTURE, "--prompt", "a", "--model", folder)


def test_train_and_evaluate_name_what_is_missing(refusal: Refusal, tmp_path: Path) -> None:
    assert "Train_text" in refusal("train", "--data", tmp_path)
    assert "not of the form" in refusal("train", "--data", tmp_path, "--stages", "half")
    sentence = refusal("train", "--data", tmp_path, "--learning-rate", -1)
    assert sentence == "medclipseg: The learning rate is -1.0; it must be above 0."
    assert "batch size is 1" in refusal("train", "--data", tmp_path, "--batch-size", 1)
    options = ("--images", tmp_path, "--labels", tmp_path, "--prompts", tmp_path / "no.csv")
    assert "no prompt sheet" in refusal("evaluate", "--model", "mini", *options)


def test_a_defect_is_one_sentence_and_a_trace_is_shown_when_asked(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("MedCLIPSegLab.results.inputs.read_volume", fail)
    arguments = ("segment", PICTURE, "--prompt", "a", "--out", tmp_path / "out")
    for options, traced in (((), False), (("--trace",), True)):
        assert call(*options, *arguments) == 1
        printed = capsys.readouterr().err
        assert "unexpected ZeroDivisionError: division by zero" in printed
        assert ("Traceback" in printed) == traced
    assert list(tmp_path.iterdir()) == []
