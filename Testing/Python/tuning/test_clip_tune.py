"""Tuning end to end: real images, every flavor, interrupted runs, full disks."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from full_disk import full_disk
from model_saving import save_checkpoint
from pair_tables import REAL_IMAGES, real_rows, write_table
from PIL import Image
from published_files import SMALL, small_network
from safetensors.torch import load_file

from MedCLIPSegLab.models.commands import export_model, import_model, remove_model, verify_model
from MedCLIPSegLab.training.request import training_settings
from MedCLIPSegLab.training.state import copy_vocabulary
from MedCLIPSegLab.training.train import train
from MedCLIPSegLab.tuning.clip_tune import clip_tune
from MedCLIPSegLab.tuning.settings import TuningSettings
from MedCLIPSegLab.tuning.tuner import TuningProgress
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.clip_towers import load_towers
from MedCLIPSegLogic.model.catalog import describe_model
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.folder import is_adapter
from MedCLIPSegLogic.model.library import find_model, load_model

QUICK = TuningSettings(batch_size=4, epochs=2, learning_rate=1e-3, min_caption=5)


class Killed(Exception): ...


def kill_at(count: int) -> Callable[[TuningProgress], None]:
    """Stop in the tuning step of that number."""
    steps: list[TuningProgress] = []

    def look(step: TuningProgress) -> None:
        if step.stage == "tuning":
            steps.append(step)
        if len(steps) == count:
            raise Killed

    return look


@pytest.fixture
def an_unaligned_model(tmp_path: Path) -> Path:
    """The bundled model with the axes of its text vectors shuffled: both towers see, but not in one space."""
    network = load_model("mini").network
    torch.manual_seed(0)
    with torch.no_grad():
        projection = network.text_model.text_projection
        projection.copy_(projection[:, torch.randperm(network.config.joint_width)])
    folder = tmp_path / "unaligned"
    folder.mkdir()
    save_checkpoint(network, folder)
    copy_vocabulary(find_model("mini"), folder)
    return folder


@pytest.mark.slow
def test_tuning_on_real_images_improves_the_retrieval_of_others(an_unaligned_model: Path, tmp_path: Path) -> None:
    pairs = write_table(tmp_path / "pairs.csv", real_rows(slice(0, 3)))
    validation = write_table(tmp_path / "validation.csv", real_rows(slice(3, 6)))
    settings = TuningSettings(batch_size=12, epochs=3, learning_rate=1e-3)
    report = clip_tune(pairs, tmp_path / "tuned", settings, an_unaligned_model, validation, images=REAL_IMAGES)
    before, after = report.before["validation"], report.after["validation"]
    assert after.pairs == 12
    rows = list(csv.DictReader((tmp_path / "tuned" / "log.csv").open()))
    assert [float(row["learning_rate"] or 0) for row in rows] == [0, 1e-3, 5e-4, 2.5e-4]
    assert float(rows[3]["loss"]) < float(rows[1]["loss"])
    assert float(rows[report.best_epoch]["top_1"]) == pytest.approx(after.top_1)
    # The last epoch, which the validation pairs did not choose.
    assert float(rows[3]["top_1"]) > 1.3 * before.top_1
    assert float(rows[3]["top_2"]) > 1.5 * before.top_2


@pytest.mark.parametrize("flavor", SMALL)
def test_both_towers_of_a_flavor_learn(
    flavor: str, a_backbone: Callable[[str], str], some_pairs: Path, tmp_path: Path
) -> None:
    settings = QUICK.changed({"epochs": 1, "validation_share": 0.5})
    report = clip_tune(some_pairs, tmp_path / "tuned", settings, a_backbone(flavor))
    state = load_file(tmp_path / "tuned" / "state.safetensors")
    kept = load_file(tmp_path / "tuned" / "backbone.safetensors")
    for name, start in small_network(flavor).state_dict().items():
        assert (name in kept) == (not is_adapter(name))
        # The softmax of an attention does not see the bias of its keys.
        if name.startswith(("vision_model.", "text_model.")) and "key.bias" not in name:
            assert not torch.equal(state[f"network.{name}"], start), name
            assert torch.equal(kept[name], state[f"network.{name}"] if report.best_epoch else start), name
    assert torch.equal(state["network.logit_scale"], small_network(flavor).logit_scale)
    assert load_towers(tmp_path / "tuned").image_size == SMALL[flavor].image.image_size


def test_the_tuned_backbone_is_a_model_like_others(
    a_backbone: Callable[[str], str], some_pairs: Path, a_data_set: Path, tmp_path: Path, a_home: Path
) -> None:
    folder = tmp_path / "tuned"
    clip_tune(some_pairs, folder, QUICK, a_backbone("biomedclip"))
    kept = load_file(folder / "backbone.safetensors")
    description = describe_model(folder)
    assert (description.kind, description.on_disk, description.title) == ("backbone", True, "tuned")
    with pytest.raises(MedCLIPSegError, match="cannot segment; train on it"):
        load_model(folder)
    verify_model(folder)

    # Removing another model sweeps the shared backbones; the folder's own stays.
    remove_model("biomedclip")
    assert list((a_home / "backbones").iterdir()) == []
    verify_model(folder)
    export_model(folder, tmp_path / "tuned.zip")
    settings = training_settings(None, "published", folder, changes={"epochs": 1, "batch_size": 2})
    trained = train([a_data_set], tmp_path / "trained", settings, start_from=folder)
    towers = load_model(trained).network.state_dict()
    assert all(torch.equal(towers[name], tensor) for name, tensor in kept.items())
    assert (trained / "adapter.safetensors").is_file()
    import_model(tmp_path / "tuned.zip", "carried")
    assert load_to_train(a_home / "models" / "carried").config == load_to_train(folder).config


def test_a_killed_run_goes_on_identically(a_model_folder: Path, some_pairs: Path, tmp_path: Path) -> None:
    settings = QUICK.changed({"save_every": 1, "validation_share": 0.2, "batch_size": 3})
    whole = clip_tune(some_pairs, tmp_path / "whole", settings, a_model_folder)
    with pytest.raises(Killed):
        clip_tune(some_pairs, tmp_path / "killed", settings, a_model_folder, progress=kill_at(5))
    assert not json.loads((tmp_path / "killed" / "tuning.json").read_text())["finished"]
    with pytest.raises(MedCLIPSegError, match="not empty; resume its tuning"):
        clip_tune(some_pairs, tmp_path / "killed", settings, a_model_folder)
    with pytest.raises(MedCLIPSegError, match=r"begun with temperature 0\.6, not 0\.1"):
        clip_tune(some_pairs, tmp_path / "killed", settings.changed({"temperature": 0.1}), resume=True)
    with pytest.raises(MedCLIPSegError, match="leave out --start-from"):
        clip_tune(some_pairs, tmp_path / "killed", start_from="mini", resume=True)
    killed = clip_tune(some_pairs, tmp_path / "killed", resume=True)
    for name in ("state.safetensors", "backbone.safetensors"):
        wanted, found = (load_file(report.folder / name) for report in (whole, killed))
        assert wanted.keys() == found.keys()
        assert all(torch.equal(found[key], tensor) for key, tensor in wanted.items())
    assert (killed.before, killed.after, killed.best_epoch) == (whole.before, whole.after, whole.best_epoch)


def test_a_run_killed_before_its_first_step_goes_on(a_model_folder: Path, some_pairs: Path, tmp_path: Path) -> None:
    def kill(step: TuningProgress) -> None:
        if step.stage == "measuring":
            raise Killed

    with pytest.raises(Killed):
        clip_tune(some_pairs, tmp_path / "tuned", QUICK, a_model_folder, progress=kill)
    assert clip_tune(some_pairs, tmp_path / "tuned", resume=True).epochs == 2


def test_parts_have_the_gradient_of_the_whole(a_model_folder: Path, some_pairs: Path, tmp_path: Path) -> None:
    moments = []
    for parts in (1, 3):
        folder = tmp_path / str(parts)
        settings = QUICK.changed({"parts": parts, "epochs": 1, "batch_size": 8})
        clip_tune(some_pairs, folder, settings, a_model_folder)
        moments.append({k: v for k, v in load_file(folder / "state.safetensors").items() if "exp_avg" in k})
    assert len(moments[0]) > 50
    for name, moment in moments[0].items():
        torch.testing.assert_close(moments[1][name], moment, rtol=1e-3, atol=1e-6, msg=name)


def test_it_ends_when_nothing_gets_better_and_keeps_the_start(
    a_model_folder: Path, some_pairs: Path, tmp_path: Path
) -> None:
    settings = QUICK.changed({"epochs": 9, "patience": 2, "learning_rate": 1e-12})
    report = clip_tune(some_pairs, tmp_path / "tuned", settings, a_model_folder)
    assert (report.epochs, report.best_epoch, report.after) == (2, 0, report.before)
    start, kept = load_to_train(a_model_folder).state_dict(), load_to_train(tmp_path / "tuned").state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in start.items() if not is_adapter(name))


def test_a_full_disk_leaves_nothing_behind(a_model_folder: Path, some_pairs: Path, tmp_path: Path) -> None:
    with full_disk(), pytest.raises(MedCLIPSegError, match=r"cannot be written .*free some space"):
        clip_tune(some_pairs, tmp_path / "tuned", QUICK, a_model_folder)
    assert not (tmp_path / "tuned").exists()


def test_a_disk_that_fills_up_costs_only_what_was_not_saved(
    a_model_folder: Path, some_pairs: Path, tmp_path: Path
) -> None:
    disks = full_disk()

    def fill(step: TuningProgress) -> None:
        if step.stage == "tuning" and step.loss is not None and not entered:
            entered.append(disks.__enter__())

    entered: list[None] = []
    try:
        with pytest.raises(MedCLIPSegError, match="cannot be written"):
            clip_tune(some_pairs, tmp_path / "tuned", QUICK, a_model_folder, progress=fill)
    finally:
        disks.__exit__(None, None, None)
    assert not list((tmp_path / "tuned").glob("*.part"))
    load_towers(tmp_path / "tuned")
    assert clip_tune(some_pairs, tmp_path / "tuned", resume=True).epochs == 2


def test_unusable_pairs_are_found_before_anything_is_written(
    a_model_folder: Path, some_pairs: Path, tmp_path: Path
) -> None:
    (some_pairs.parent / "3.png").write_bytes(b"no picture")
    with pytest.raises(MedCLIPSegError, match=r"Row 5 of .*pairs\.csv has an image that cannot be used: .*3\.png"):
        clip_tune(some_pairs, tmp_path / "tuned", QUICK, a_model_folder)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(some_pairs.parent / "3.png")
    some_pairs.write_text(some_pairs.read_text(encoding="utf-8") + "4.png,肿瘤的图像描述\n", encoding="utf-8")
    with pytest.raises(MedCLIPSegError, match=r"Row 12 of .* caption that cannot be used: .* use English"):
        clip_tune(some_pairs, tmp_path / "tuned", QUICK, a_model_folder)
    other = write_table(tmp_path / "other.csv", [("pairs/4.png", "some caption of it"), ("pairs/5.png", "and another")])
    with pytest.raises(MedCLIPSegError, match=r"has an image to validate on that is also one to tune on, .*4\.png"):
        clip_tune(some_pairs, tmp_path / "tuned", QUICK, a_model_folder, other)
    assert not (tmp_path / "tuned").exists()


def test_test_pairs_are_scored_and_choose_nothing(a_model_folder: Path, some_pairs: Path, tmp_path: Path) -> None:
    lines = some_pairs.read_text(encoding="utf-8").splitlines()
    parts = {name: some_pairs.with_name(f"{name}.csv") for name in ("train", "validation", "test")}
    for path, rows in zip(parts.values(), (lines[1:5], lines[5:8], lines[8:]), strict=True):
        path.write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    tables = (parts["validation"], parts["test"])
    settings = QUICK.changed({"precision": "bfloat16", "reduction": "sum"})
    report = clip_tune(parts["train"], tmp_path / "tuned", settings, a_model_folder, *tables)
    assert {role: scores.pairs for role, scores in report.after.items()} == {"validation": 3, "test": 3}
    record = json.loads((tmp_path / "tuned" / "tuning.json").read_text())
    assert record["retrieval"]["after"]["test"] == dataclasses.asdict(report.after["test"])
    assert record["data"]["tables"]["test"]["file"] == "test.csv"
    assert (record["finished"], record["settings"]["batch_size"], record["data"]["training"]) == (True, 4, 4)
    with pytest.raises(MedCLIPSegError, match="begun with other tables"):
        clip_tune(parts["train"], tmp_path / "tuned", resume=True)
