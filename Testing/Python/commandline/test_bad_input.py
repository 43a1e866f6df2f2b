"""Bad input gets one clear sentence, exit code 2, and no output."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.results.demo import CASES

PICTURE = CASES / "dermoscopy.jpg"
Refusal = Callable[..., str]


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refusal:
    """Calls ``medclipseg``, checks code 2, one sentence and no new file, and returns the sentence."""

    def call(*arguments: object, out: Path = tmp_path / "out") -> str:
        before = sorted(str(path) for path in tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["medclipseg", *map(str, arguments), "--out", str(out)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        assert sorted(str(path) for path in tmp_path.rglob("*")) == before
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("medclipseg: ")]
        assert len(lines) == 1
        assert lines[0].rstrip().endswith(".")
        return lines[0]

    return call


OPTIONS: list[tuple[list[str], str]] = [
    (["--prompt", ""], "prompt is empty"),
    (["--prompt", "lesion \udcff"], "no text"),
    (["--prompt", "a", "--prompt", "a"], "given twice"),
    (["--prompt", "a", "--threshold", "0"], "threshold is 0.0"),
    (["--prompt", "a", "--threshold", "nan"], "threshold is nan"),
    (["--prompt", "a", "--samples", "0"], "samples is 0"),
    (["--prompt", "a", "--seed", "-1"], "seed is -1"),
    (["--prompt", "a", "--model", "maxi"], "no model 'maxi'"),
    (["--prompt", "a", "--preset", "pizza"], "pizza"),
    (["--prompt", "a", "--window", "0", "40"], "width"),
    (["--prompt", "a", "--window", "40", "40", "--preset", "lung"], "not both"),
    (["--prompt", "a", "--preset", "lung"], "color"),
    (["--prompt", "a", "--slices", "2:9"], "slice range"),
    (["--prompt", "a", "--slices", "x"], "slice range"),
    (["--prompt", "a", "--plane", "coronal"], "coronal"),
]


def test_options(refusal: Refusal) -> None:
    for options, words in OPTIONS:
        assert words in refusal("segment", PICTURE, *options)


def test_cuda_without_a_device(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "no CUDA" in refusal("segment", PICTURE, "--prompt", "a", "--device", "cuda")


def test_too_little_memory(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("MedCLIPSegLogic.inference.device.free_memory", lambda device: 1000)
    assert "memory" in refusal("segment", PICTURE, "--prompt", "a")


def test_missing_input(refusal: Refusal, tmp_path: Path) -> None:
    assert "gone.nii.gz" in refusal("segment", tmp_path / "gone.nii.gz", "--prompt", "a")


def test_not_an_image(refusal: Refusal, tmp_path: Path) -> None:
    for name in ("text.png", "text.nii.gz", "text.nrrd", "text.mha", "text.tif", "text.xyz", "text"):
        (tmp_path / name).write_text("hello, this is no image")
        assert name in refusal("segment", tmp_path / name, "--prompt", "a")


def test_truncated_image(refusal: Refusal, tmp_path: Path) -> None:
    for name in ("dermoscopy.jpg", "hippocampus_mri.nii.gz"):
        whole = (CASES / name).read_bytes()
        for share in (0.0, 0.3, 0.7, 0.95):
            (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
            assert name in refusal("segment", tmp_path / name, "--prompt", "a")


def test_empty_folder(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    assert "series" in refusal("segment", tmp_path / "series", "--prompt", "a")


def test_wrong_dimensions(refusal: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "image.nii.gz"
    for shape, words in (((4, 4, 3, 2), "several volumes"), ((0, 4, 3), "no voxels")):
        nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.float32), np.eye(4)), path)
        sentence = refusal("segment", path, "--prompt", "a")
        assert "image.nii.gz" in sentence
        assert words in sentence


def test_output_that_cannot_be_a_folder(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out, words in ((tmp_path / "file" / "out", "cannot be written"), (tmp_path / "file", "is a file")):
        assert words in refusal("segment", PICTURE, "--prompt", "a", out=out)


def test_output_already_holds_results(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text('{"files": ["run.json"]}')
    assert "--overwrite" in refusal("segment", PICTURE, "--prompt", "a")


def test_memory_running_out_anywhere(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    for step in ("results.segmenting.read_volume", "results.segmenting.write_result_files"):
        with monkeypatch.context() as patch:
            patch.setattr(f"MedCLIPSegLab.{step}", fail)
            assert "too little memory" in refusal("segment", PICTURE, "--prompt", "a", "--samples", 1)
    monkeypatch.setattr("MedCLIPSegLogic.model.library.load_model", fail)
    assert "too little memory" in refusal("segment", PICTURE, "--prompt", "a")


def test_failure_late_in_the_run_leaves_nothing(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("MedCLIPSegLab.results.result_files.draw_preview", fail)
    assert "No space left" in refusal("segment", PICTURE, "--prompt", "a", "--samples", 1)


def test_damaged_model(refusal: Refusal, a_model_folder: Path, tmp_path: Path) -> None:
    changed = json.loads((a_model_folder / "config.json").read_text())
    changed["image"]["mlp_ratio"] = 3.0
    damages = {
        "truncated": ("model.safetensors", (a_model_folder / "model.safetensors").read_bytes()[:5000]),
        "foreign": ("model.safetensors", (8).to_bytes(8, "little") + b'{"a":1} '),
        "pickled": ("model.safetensors", b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00."),
        "other-sizes": ("config.json", json.dumps(changed).encode()),
        "no-config": ("config.json", None),
        "no-vocabulary": ("vocab.txt", None),
    }
    for name, (file, content) in damages.items():
        folder = tmp_path / name
        shutil.copytree(a_model_folder, folder)
        if content is None:
            (folder / file).unlink()
        else:
            (folder / file).write_bytes(content)
        assert name in refusal("segment", PICTURE, "--prompt", "a", "--model", folder)


def test_train_and_evaluate_name_what_is_missing(refusal: Refusal, tmp_path: Path) -> None:
    assert "Train_text" in refusal("train", "--data", tmp_path)
    assert "not of the form" in refusal("train", "--data", tmp_path, "--stages", "half")
    options = ("--images", tmp_path, "--labels", tmp_path, "--prompts", tmp_path / "no.csv")
    assert "no prompt sheet" in refusal("evaluate", "--model", "mini", *options)


def test_a_trace_is_shown_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["segment", str(PICTURE), "--prompt", "", "--out", str(tmp_path / "out")]
    for before in ([], ["--trace"]):
        monkeypatch.setattr(sys, "argv", ["medclipseg", *before, *arguments])
        with pytest.raises(SystemExit):
            main()
        assert ("Traceback" in capsys.readouterr().err) == bool(before)


def test_a_defect_is_one_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("MedCLIPSegLab.results.segmenting.read_volume", fail)
    monkeypatch.setattr(
        sys, "argv", ["medclipseg", "segment", str(PICTURE), "--prompt", "a", "--out", str(tmp_path / "out")]
    )
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    printed = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: division by zero" in printed
    assert "Traceback" not in printed
    assert list(tmp_path.iterdir()) == []
