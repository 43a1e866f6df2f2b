"""The engine on a graphics card: the same results as on a processor, and what happens when memory runs out.

Run with ``pytest -m cuda Testing/Device``; ``make test`` does not come here.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from MedCLIPSegLab.speed.measured import Case, demo_cases
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.adaptive import AdaptiveSampling
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import Device, Precision, SegmentationRequest
from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.model.noise import SeededNoise

pytestmark = pytest.mark.cuda
CARD = torch.device("cuda")
FIGURES: dict[str, float] = {}


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    """Leave the measured differences where ``FIGURES_FILE`` says."""
    yield
    if "FIGURES_FILE" in os.environ:
        Path(os.environ["FIGURES_FILE"]).write_text(json.dumps(FIGURES, indent=2) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(os.environ.get("MODEL_TO_TEST", "mini"))


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Undo a limit that the test sets."""
    torch.cuda.empty_cache()
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def segmented(
    model: LoadedModel, case: Case, device: Device, precision: Precision = "float32", adaptive: bool = False
) -> PromptResult:
    request = SegmentationRequest(
        volume=case.volume,
        prompts=(case.prompt,),
        samples=30 if adaptive else 8,
        adaptive=AdaptiveSampling() if adaptive else None,
        plane=case.plane,
        slices=(case.index, case.index + 1),
        device=device,
        precision=precision,
    )
    *_, result = run(model, request)
    assert isinstance(result, SegmentationResult)
    return result.prompts[0]


@pytest.mark.parametrize(("precision", "most"), [("float32", 1e-3), ("bfloat16", 1e-2)])
def test_results_are_those_of_the_processor(model: LoadedModel, precision: Precision, most: float) -> None:
    """Every pixel in float32; in bfloat16 the mean over a slice, whose pixels at the border may differ by more."""
    for number, case in enumerate(demo_cases()):
        ours, theirs = segmented(model, case, "cuda", precision), segmented(model, case, "cpu")
        for name in ("probability", "uncertainty"):
            difference = np.abs(getattr(ours, name) - getattr(theirs, name))
            FIGURES[f"{precision} case {number} {name} max"] = float(difference.max())
            FIGURES[f"{precision} case {number} {name} mean"] = float(difference.mean())
            assert (difference.max() if precision == "float32" else difference.mean()) < most
        both = 2 * np.logical_and(ours.mask, theirs.mask).sum() / max(1, ours.mask.sum() + theirs.mask.sum())
        FIGURES[f"{precision} case {number} Dice"] = float(both)
        assert both > 0.99


def test_the_noise_is_the_same_on_both_devices() -> None:
    noise = SeededNoise(7, [(3, 0), (3, 1), (8, 2)])
    values = torch.zeros(3, 257, 64)
    for adapter in range(4):
        ours, theirs = noise(adapter, "image_from_text", values.to(CARD)), noise(adapter, "image_from_text", values)
        assert torch.equal(ours.cpu(), theirs)


def test_adaptive_mode_takes_as_many_samples(model: LoadedModel) -> None:
    for case in demo_cases():
        counts = [segmented(model, case, device, adaptive=True).samples_drawn for device in ("cpu", "cuda")]
        assert counts[0] == counts[1]


def whole_volume(model: LoadedModel, batch_size: int) -> SegmentationRequest:
    case = next(case for case in demo_cases() if not case.volume.is_single_slice)
    return SegmentationRequest(
        volume=case.volume, prompts=(case.prompt,), samples=8, device="cuda", batch_size=batch_size
    )


def test_little_memory_is_answered_with_a_smaller_batch(
    model: LoadedModel, little_memory: None, caplog: pytest.LogCaptureFixture
) -> None:
    *_, enough = run(model, whole_volume(model, 32))
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(CARD).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 400 * 2**20) / total)
    with caplog.at_level(logging.WARNING):
        *_, result = run(model, whole_volume(model, 256))
    assert any("Memory ran out" in record.message for record in caplog.records)
    assert isinstance(result, SegmentationResult)
    assert isinstance(enough, SegmentationResult)
    less, more = result.prompts[0].probability, enough.prompts[0].probability
    assert less is not None
    assert more is not None
    difference = np.abs(less - more).max()
    FIGURES["smaller batch probability max"] = float(difference)
    assert difference < 1e-4


def test_no_memory_is_told_in_a_sentence(model: LoadedModel, little_memory: None) -> None:
    model.network.to(CARD)
    torch.cuda.set_per_process_memory_fraction(1e-6)
    with pytest.raises(MedCLIPSegError, match="too little memory"):
        list(run(model, whole_volume(model, 4)))


def test_cancel_takes_less_than_a_step(model: LoadedModel) -> None:
    steps = run(model, whole_volume(model, 32))
    times = []
    for _ in range(4):
        started = time.perf_counter()
        next(steps)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    started = time.perf_counter()
    steps.close()
    torch.cuda.synchronize()
    waited = time.perf_counter() - started
    FIGURES["step seconds"], FIGURES["cancel seconds"] = max(times), waited
    assert waited < max(times)
    with pytest.raises(StopIteration):
        next(steps)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_training_runs(precision: str, tmp_path: Path) -> None:
    from MedCLIPSegLab.training.settings import TrainingSettings
    from MedCLIPSegLab.training.train import train

    data = small_data(tmp_path / "Dots")
    changes = {"steps": 3, "batch_size": 4, "stages": [[1.0, 64]], "precision": precision, "device": "cuda"}
    folder = train([data], tmp_path / "model", TrainingSettings().changed(changes))
    assert (folder / "model.safetensors").is_file()


def small_data(folder: Path) -> Path:
    """Eight pictures with a bright dot, in MedCLIPSeg's layout."""
    import cv2

    for part in ("Train_Folder/img", "Train_Folder/label", "Prompts_Folder"):
        (folder / part).mkdir(parents=True)
    rng, rows = np.random.default_rng(0), ["Image,Description,Ground Truth"]
    for number in range(8):
        mask = np.zeros((64, 64), np.uint8)
        cv2.circle(mask, (int(rng.integers(16, 48)), int(rng.integers(16, 48))), 8, 255, -1)
        cv2.imwrite(str(folder / f"Train_Folder/img/{number}.png"), mask // 2 + 40)
        cv2.imwrite(str(folder / f"Train_Folder/label/{number}.png"), mask)
        rows.append(f"{number}.png,one small round polyp,{number}.png")
    (folder / "Prompts_Folder/Train_text.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
