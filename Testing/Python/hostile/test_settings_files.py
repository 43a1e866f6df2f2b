"""Damaged settings, configurations, prompt sets and model configurations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from damages import damaged_bytes, damaged_json, damaged_json_file, json_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import accept
from PIL import Image

from MedCLIPSegLab.training.settings import TrainingSettings, as_json
from MedCLIPSegLogic.clip_sam.prompt_sets import PUBLISHED_FILE

EXAMPLES = 150
PAPER = {
    "sets": {"a": "a", "b": "b"},
    "out": "out",
    "shares": [10],
    "seeds": [1],
    "samples": 2,
    "training": {"steps": 2},
}
TOML = b'seed = 5\nlearning_rate = 1e-3\nkeep = "latest"\nstages = [[1.0, 32]]\n[loss]\ndice = 0.5'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture."""
    folder = tmp_path_factory.mktemp("settings")
    Image.new("L", (16, 16), 9).save(folder / "a.png")
    return folder


@settings(max_examples=EXAMPLES)
@given(damaged_json_file(as_json(TrainingSettings())))
def test_training_settings(place: Path, content: bytes) -> None:
    (place / "a.json").write_bytes(content)
    assert accept("train", "--data", place, "--out", place / "out", "--settings", place / "a.json")


@settings(max_examples=EXAMPLES)
@given(damaged_bytes(TOML, len(TOML)) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_training_settings_in_toml(place: Path, content: bytes) -> None:
    (place / "a.toml").write_bytes(content)
    assert accept("train", "--data", place, "--out", place / "out", "--settings", place / "a.toml")


@settings(max_examples=EXAMPLES)
@given(damaged_json_file(PAPER))
def test_configurations_of_the_tables(place: Path, content: bytes) -> None:
    (place / "paper.json").write_bytes(content)
    accept("paper-tables", "data-efficiency", "--config", place / "paper.json")


def _small_sets() -> object:
    data = json.loads(PUBLISHED_FILE.read_text(encoding="utf-8"))
    data["studies"] = dict(list(data["studies"].items())[:1])
    return data


@settings(max_examples=EXAMPLES)
@given(damaged_json_file(_small_sets()), st.sampled_from(("P0", "P1", "P2", "P5")))
def test_prompt_sets(place: Path, content: bytes, design: str) -> None:
    (place / "sets.json").write_bytes(content)
    [study] = _small_sets()["studies"]  # type: ignore[index]
    options = ("--prompt-sets", place / "sets.json", "--study", study, "--design", design, "--model", "none-such")
    assert accept("zeroshot", place / "a.png", "--prompt", "a", *options, "--out", place / "out")


@pytest.fixture(scope="module")
def model(the_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(the_model_folder, tmp_path_factory.mktemp("configurations") / "a_model")


def test_model_configurations(model: Path, place: Path, the_model_folder: Path) -> None:
    whole = json.loads((the_model_folder / "config.json").read_text())

    @settings(max_examples=EXAMPLES)
    @given(damaged_json_file(whole))
    def check(content: bytes) -> None:
        (model / "config.json").write_bytes(content)
        accept("models", "verify", model, note=content[:2000])

    check()


def test_model_cards(model: Path, the_model_folder: Path) -> None:
    shutil.copy(the_model_folder / "config.json", model / "config.json")

    @settings(max_examples=EXAMPLES)
    @given(damaged_json({"title": "A", "purpose": "b", "license": "MIT", "citation": "c"}).map(json_bytes))
    def check(content: bytes) -> None:
        (model / "model.json").write_bytes(content)
        accept("models", "info", model)

    check()
