"""Fixtures shared by all tests: a small random model and small images."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from model_saving import save_checkpoint

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLogic.model.config import (
    AdapterConfig,
    HeadConfig,
    ImageTowerConfig,
    ModelConfig,
    PreprocessingConfig,
    TextTowerConfig,
)
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import SPECIAL_TOKENS
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

GOLDEN = Path(__file__).parent.parent / "Data" / "Golden"
# Workers share the cores, and sums don't depend on the number of threads; programs that tests start inherit this.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)
# The same examples in every run, however long one takes.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
WORDS = [*SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"), "tumor"]


@pytest.fixture(autouse=True)
def a_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of models, so that no test sees or touches that of the user."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("MEDCLIPSEG_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    return GOLDEN


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Calls ``medclipseg ARGUMENTS`` within this process; gives the exit code."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["medclipseg", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0)

    return run


@pytest.fixture(autouse=True)
def a_seed() -> None:
    """Every test draws the same numbers, whichever ran before it."""
    torch.manual_seed(3)


@pytest.fixture(scope="session")
def a_config() -> ModelConfig:
    """A hybrid like the bundled model, far smaller."""
    return ModelConfig(
        flavor="test",
        joint_width=16,
        image=ImageTowerConfig(
            kind="timm", image_size=32, patch_size=16, width=24, layers=3, heads=2, stem_channels=(8, 8, 16, 24)
        ),
        text=TextTowerConfig(kind="clip", context_length=16, vocab_size=len(WORDS), width=16, layers=3, heads=2),
        adapter=AdapterConfig(width=8, fusion_layers=(1, 2), mask_padding=True),
        head=HeadConfig(kind="skip", channels=(12, 8)),
        preprocessing=PreprocessingConfig(channel_order="rgb", antialias=True),
    )


@pytest.fixture(scope="session")
def the_model_folder(a_config: ModelConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights on disk; strong noise, so that samples differ. Tests take copies."""
    torch.manual_seed(3)
    network = MedCLIPSeg(a_config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "mask_head" in name or "proj_vis_up" in name:
                parameter.mul_(4)
    folder = tmp_path_factory.mktemp("models") / "a_model"
    folder.mkdir()
    save_checkpoint(network, folder)
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in WORDS), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def the_model(the_model_folder: Path) -> LoadedModel:
    return load_model(the_model_folder)


@pytest.fixture
def a_model_folder(the_model_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(the_model_folder, tmp_path / "a_model")


@pytest.fixture
def a_model(the_model: LoadedModel) -> LoadedModel:
    return deepcopy(the_model)


@pytest.fixture
def a_volume() -> Volume:
    """Oblique, anisotropic, five slices of 40 x 28 voxels."""
    rng = np.random.default_rng(5)
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.array([0.7, 0.9, 3.0])
    matrix[:3, 3] = (12.5, -30.25, 7.0)
    return Volume(rng.normal(100, 30, (5, 40, 28)).astype(np.float32), matrix, "a_volume")


@pytest.fixture
def a_picture() -> Volume:
    """A color picture of 48 x 64 pixels."""
    rng = np.random.default_rng(6)
    return Volume(rng.integers(0, 256, (1, 48, 64, 3), dtype=np.uint8), PICTURE_IJK_TO_RAS, "a_picture", False)
