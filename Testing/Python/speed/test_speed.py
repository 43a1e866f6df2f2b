"""The measurement of speed measures what it says, on a model small enough to be quick."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.speed.comparison import agreement
from MedCLIPSegLab.speed.machine import in_new_process
from MedCLIPSegLab.speed.measured import data_set_cases, measured_model
from MedCLIPSegLab.speed.measuring import speed
from MedCLIPSegLab.speed.settings import SpeedSettings
from MedCLIPSegLab.speed.variants import sample_spread
from MedCLIPSegLogic.errors import MedCLIPSegError


def test_every_variant_is_compared_with_the_loop(a_model_folder: Path) -> None:
    settings = SpeedSettings(model=str(a_model_folder), samples=5, repeats=2, device="cpu", parts=("variants",))
    record = speed(settings)
    rows = {row["variant"]: row for row in record["variants"]}
    assert {"published loop", "exact", "adaptive", "preview", "exact, int8"} <= set(rows)
    assert rows["published loop"]["ratio"] == 1
    assert [rows[name]["passes_mean"] for name in ("published loop", "exact", "preview")] == [6, 5, 1]
    assert rows["exact"]["probability_difference_max"] < 1e-5
    assert rows["exact"]["dice_5th_percentile"] == 1
    assert 3 <= rows["adaptive"]["passes_mean"] <= 5
    assert rows["preview"]["probability_difference_max"] > 1e-4
    assert rows["exact, int8"]["entropy_difference_mean"] > rows["exact"]["entropy_difference_mean"]
    assert all(row["seconds_per_slice"] > 0 for row in rows.values())
    assert record["sample_spread"]["deviation_median"] > 0
    assert (record["slices"], record["samples"], record["repeats"]) == (9, 5, 2)


def test_the_command_names_the_machine_and_nothing_of_its_owner(a_model_folder: Path) -> None:
    def call(*arguments: str) -> str:
        options = [
            "--model",
            str(a_model_folder),
            "--samples",
            "3",
            "--repeats",
            "1",
            "--limit",
            "1",
            "--device",
            "cpu",
        ]
        return CliRunner().invoke(app, ["speed", *options, *arguments], catch_exceptions=False).stdout

    record = json.loads(call("--part", "variants", "--json"))
    assert {"processor", "cores", "threads", "memory_gb", "torch", "python"} <= set(record["machine"])
    assert record["model"] == a_model_folder.name
    assert not re.search(r"/(home|tmp|root|work|Users)\b", json.dumps(record))
    table = call("--part", "variants")
    assert "published loop" in table
    assert "5th percentile" in table


def test_images_of_a_data_set_are_spread_over_its_sheet(tmp_path: Path) -> None:
    folder = tmp_path / "Some"
    (folder / "Test_Folder" / "img").mkdir(parents=True)
    (folder / "Prompts_Folder").mkdir()
    lines = ["Image,Description,Ground Truth"]
    for number in range(6):
        Image.fromarray(np.full((8, 8), 40 * number, np.uint8)).save(folder / "Test_Folder" / "img" / f"{number}.png")
        lines.append(f"{number}.png,tumor {number},{number}.png")
    (folder / "Prompts_Folder" / "Test_text_original.csv").write_text("\n".join(lines) + "\n")
    cases = data_set_cases([folder], 3)
    assert [case.prompt for case in cases] == ["tumor 0", "tumor 2", "tumor 4"]
    assert [int(case.volume.voxels.max()) for case in cases] == [0, 80, 160]
    assert len(data_set_cases([folder], None)) == 6
    with pytest.raises(MedCLIPSegError, match="no Test_Folder"):
        data_set_cases([tmp_path], None)


def test_agreement_and_spread_are_what_numpy_says() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 9, 7)).astype(np.float32)
    entropies = [-(p * np.log(p) + (1 - p) * np.log1p(-p)) for p in (one.astype(float), other.astype(float))]
    found = agreement(one, other)
    correlation = np.corrcoef(entropies[0].ravel(), entropies[1].ravel())[0, 1]
    assert found["correlation"] == pytest.approx(correlation, abs=1e-5)
    assert found["entropy"] == pytest.approx(np.abs(entropies[0] - entropies[1]).mean(), abs=1e-5)
    both = ((one > 0.5) & (other > 0.5)).sum()
    assert found["dice"] == pytest.approx(2 * both / ((one > 0.5).sum() + (other > 0.5).sum()))
    flat = np.full((9, 7), 0.25, np.float32)
    assert agreement(flat, flat)["correlation"] == 1
    assert agreement(flat, one)["correlation"] == 0
    samples = torch.stack([torch.full((4, 4), value) for value in (0.4, 0.6, 0.8)])
    assert sample_spread(samples) == (pytest.approx(0.2), pytest.approx(2 / 3))
    assert sample_spread(torch.zeros(3, 4, 4))[1] == 1


def test_random_weights_need_no_file_and_real_ones_do() -> None:
    with pytest.raises(MedCLIPSegError, match="--random-weights"):
        measured_model("unimedclip", False, [])
    one, again = (measured_model("mini", True, []) for _ in range(2))
    assert "random" in one.name
    tensors = zip(one.network.parameters(), again.network.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in tensors)


@pytest.mark.slow
def test_peak_memory_is_that_of_the_task_alone() -> None:
    (little, small), (much, large) = (in_new_process(np.ones, count) for count in (1, 20_000_000))
    assert (len(little), len(much)) == (1, 20_000_000)
    assert large - small > 150e6
    assert sys.getsizeof(little) < 1000
