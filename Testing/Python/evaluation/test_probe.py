"""``medclipseg probe``: what the text does, measured."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.evaluation.probe import probe
from MedCLIPSegLogic.datasets.sheets import with_row
from MedCLIPSegLogic.errors import MedCLIPSegError

PROMPT = "One small tumor at the left in the breast ultrasound image."


@pytest.fixture
def a_set(tmp_path: Path) -> Path:
    folder = tmp_path / "breasts"
    rng = np.random.default_rng(2)
    for split, sheet in (("Test", "Test_text_original"), ("Val", "Val_text")):
        path = folder / "Prompts_Folder" / f"{sheet}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        for number in range(2 if split == "Test" else 1):
            y, x = rng.integers(12, 36, 2)
            mask = np.hypot(*(np.mgrid[:48, :48] - np.array([y, x])[:, None, None])) < 8
            for kind, pixels in (("img", 60 + 120 * mask), ("label", 255 * mask)):
                (folder / f"{split}_Folder" / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{split}_Folder" / kind / f"{number}.png")
            path.write_bytes(with_row(path, f"{number}.png", PROMPT, f"{number}.png"))
    return folder


def test_every_answer_is_written_and_summed_up(a_set: Path, a_model_folder: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    options = {"samples": 1, "sections": ["text"], "progress": lambda share, _: seen.append(share)}
    result = probe(a_model_folder, [a_set], tmp_path / "out", **options)
    rows = list(csv.DictReader((tmp_path / "out" / "probes.csv").open()))
    assert json.loads((tmp_path / "out" / "probes.json").read_text()) == result
    assert len(seen) == len(rows) == 2 * 12
    probes = result["sets"]["breasts"]
    assert {name: entry["count"] for name, entry in probes.items()} == dict.fromkeys(
        (
            "absent", "denied", "mosaic", "original", "alone", "plural", "article", "upper_case", "unseen_synonyms",
            "neutral", "synonyms", "reordered",
        ),
        2,
    )  # fmt: skip
    for name in ("absent", "denied", "mosaic"):
        right = [int(row["right"]) for row in rows if row["probe"] == name]
        assert probes[name]["right"] == sum(right) / 2
    for name, before in (("plural", "alone"), ("synonyms", "neutral"), ("reordered", "original")):
        dice = {probe: [float(row["dice"]) for row in rows if row["probe"] == probe] for probe in (name, before)}
        assert probes[name]["change"] == pytest.approx((sum(dice[name]) - sum(dice[before])) / 2)


def test_the_command_tells_every_share(a_set: Path, a_model_folder: Path, tmp_path: Path) -> None:
    options = ["--model", str(a_model_folder), "--data", str(a_set), "--out", str(tmp_path / "out"), "--samples", "1"]
    foreign = ["--foreign", str(a_set), "--elsewhere", str(a_set / "Test_Folder" / "img"), "--limit", "2"]
    done = CliRunner().invoke(app, ["probe", *options, "--split", "Val", *foreign])
    assert done.exit_code == 0, done.output
    assert "empty masks for things that are not there (1)" in done.output
    assert "prompts synonyms (1), change" in done.output
    for words, count in (("other kinds are called", 3), ("from elsewhere are not", 2), ("or rare words", 2)):
        line = next(line for line in done.output.splitlines() if words in line)
        assert f"({count}" in line
    assert "answers with a Dice below 0.5 are called doubtful" in done.output
    few = ["--section", "text", "--limit", "1", "--overwrite", "--json"]
    told = json.loads(CliRunner().invoke(app, ["probe", *options, *few]).stdout)
    assert told == json.loads((tmp_path / "out" / "probes.json").read_text())
    with pytest.raises(MedCLIPSegError, match="overwrite"):
        probe(a_model_folder, [a_set], tmp_path / "out", samples=1)


def test_bad_requests_leave_nothing(a_set: Path, a_model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="samples is 0"):
        probe(a_model_folder, [a_set], tmp_path / "out", samples=0)
    (a_set / "Prompts_Folder" / "Test_text_original.csv").unlink()
    with pytest.raises(MedCLIPSegError, match="no Test sheet of the wanted styles"):
        probe(a_model_folder, [a_set], tmp_path / "out", samples=1)
    assert not (tmp_path / "out").exists()
