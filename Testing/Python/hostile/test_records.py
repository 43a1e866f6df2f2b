"""Damaged records and states of runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from damages import damaged_bytes, damaged_json_file, json_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import accept
from PIL import Image

from MedCLIPSegLab.training.settings import TrainingSettings, as_json
from MedCLIPSegLab.tuning.settings import TuningSettings

EXAMPLES = 130
RESULT = {
    "input": "/somewhere/a.png",
    "threshold": 0.5,
    "results": [{"prompt": "a thing", "slug": "a-thing"}],
    "files": ["run.json", "a-thing.probability.nrrd"],
}
TRAINING = {
    "settings": as_json(TrainingSettings()),
    "data": {"discs": {"images": 2}},
    "finished": False,
    "seconds": 1.0,
}
TUNING = {"settings": {**vars(TuningSettings())}, "data": {"tables": {}}, "retrieval": {}, "finished": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images with known masks and a result of segment."""
    folder = tmp_path_factory.mktemp("records")
    for part in ("images", "labels", "result"):
        (folder / part).mkdir()
    square = np.zeros((16, 16), np.uint8)
    square[4:9, 4:9] = 255
    for part in ("images", "labels"):
        Image.fromarray(square).save(folder / part / "a.png")
    import SimpleITK as sitk

    sitk.WriteImage(
        sitk.GetImageFromArray((square[None] / 255).astype(np.float32)),
        str(folder / "result" / "a-thing.probability.nrrd"),
    )
    return folder


@settings(max_examples=40)  # most succeed, which takes a whole evaluation
@given(damaged_json_file(RESULT))
def test_results_to_evaluate(place: Path, content: bytes) -> None:
    (place / "result" / "run.json").write_bytes(content)
    folders = ("--images", place / "images", "--labels", place / "labels", "--masks", place / "result")
    accept("evaluate", *folders, "--out", place / "out", "--overwrite")


@settings(max_examples=EXAMPLES)
@given(damaged_json_file(TRAINING))
def test_begun_trainings(place: Path, content: bytes) -> None:
    folder = place / "training"
    folder.mkdir(exist_ok=True)
    (folder / "training.json").write_bytes(content)
    (folder / "state.safetensors").write_bytes(b"")
    assert accept("train", "--data", place, "--out", folder, "--resume")


@settings(max_examples=EXAMPLES)
@given(damaged_json_file(TUNING))
def test_begun_tunings(place: Path, content: bytes) -> None:
    folder = place / "tuning"
    folder.mkdir(exist_ok=True)
    (folder / "tuning.json").write_bytes(content)
    (folder / "state.safetensors").write_bytes(b"")
    assert accept("clip-tune", "--pairs", place / "none.csv", "--out", folder, "--resume")


@settings(max_examples=EXAMPLES)
@given(damaged_json_file(RESULT), st.booleans())
def test_earlier_results(place: Path, content: bytes, overwrite: bool) -> None:
    folder = place / "earlier"
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_bytes(content)
    options = ("--overwrite",) if overwrite else ()
    image = place / "images" / "a.png"
    assert accept("segment", image, "--prompt", "a", "--model", "none-such", "--out", folder, *options)


@settings(max_examples=EXAMPLES)
@given(damaged_json_file({"MIT": "2025-01-01", "x": "y"}), damaged_json_file({"a": "b"}))
def test_files_of_the_home_folder(
    the_model_folder: Path, tmp_path_factory: pytest.TempPathFactory, consents: bytes, hashes: bytes
) -> None:
    import os

    home = Path(os.environ["MEDCLIPSEG_HOME"])
    (home / "consents.json").write_bytes(consents)
    (home / "hashes.json").write_bytes(hashes)
    accept("models", "list")
    accept("models", "info", "biomedclip")


def test_links_to_backbones(the_model_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(the_model_folder, tmp_path / "a_model")

    @settings(max_examples=EXAMPLES)
    @given(damaged_json_file({"backbone": "0" * 64, "sha256": "1" * 64}))
    def check(content: bytes) -> None:
        (folder / "backbone.json").write_bytes(content)
        accept("models", "info", folder)
        accept("models", "verify", folder)

    check()


def test_states_of_trainings(place: Path, tmp_path: Path) -> None:
    """The header of the state's safetensors file is JSON, with the record within."""
    import struct

    from MedCLIPSegLab.training.state import load_state
    from MedCLIPSegLogic.errors import MedCLIPSegError

    class _Never:
        def load_state_dict(self, _: object) -> None:
            raise RuntimeError("other names")

    header = {
        "__metadata__": {"record": json.dumps({"step": 1})},
        "network.a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    }

    @settings(max_examples=EXAMPLES)
    @given(damaged_json_file(header), st.integers(-3, 3), damaged_bytes(b"\0\0\0\0", 4))
    def check(content: bytes, off: int, data: bytes) -> None:
        size = max(0, len(content) + off)
        (tmp_path / "state.safetensors").write_bytes(struct.pack("<Q", size) + content + data)
        with pytest.raises(MedCLIPSegError) as caught:
            load_state(tmp_path, _Never(), None, _Never(), {"step": int})  # type: ignore[arg-type]
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600

    check()
    (tmp_path / "state.safetensors").write_bytes(json_bytes(header))
