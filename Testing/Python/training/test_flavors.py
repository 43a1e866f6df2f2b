"""Every CLIP flavor trains on its backbone, is saved as a small adapter, loads, segments and travels."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from published_files import SMALL, open_clip_layout, openai_layout, small_network, write_vocabulary
from safetensors.torch import load_file

from MedCLIPSegLab.models.commands import export_model, import_model, remove_model
from MedCLIPSegLab.training.recipes import recipe_settings
from MedCLIPSegLab.training.request import begun_settings, training_settings
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLab.training.trainer import TrainingProgress
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.model.catalog import require_model_folder
from MedCLIPSegLogic.model.folder import is_adapter
from MedCLIPSegLogic.model.library import find_model, load_model
from MedCLIPSegLogic.volumes.volume import Volume
from MedCLIPSegLogic.zoo import importing


@pytest.fixture
def a_backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Factory of an installed backbone of a small flavor."""

    def make(flavor: str) -> str:
        monkeypatch.setattr(importing, "FLAVORS", SMALL)
        network = small_network(flavor)
        write_vocabulary(tmp_path)
        layout = openai_layout if SMALL[flavor].tokenizer == "clip" else open_clip_layout
        torch.save(layout(network), tmp_path / "backbone.pt")
        import_model(tmp_path / "backbone.pt", flavor)
        return flavor

    return make


def settings_for(name: str, **changes: object) -> TrainingSettings:
    stages = recipe_settings("small", find_model(name)).stages
    return TrainingSettings(steps=2, batch_size=2, stages=stages, validate_every=2, freeze_towers=True, **changes)


@pytest.mark.parametrize("flavor", SMALL)
def test_a_flavor_from_backbone_to_mask(
    flavor: str, a_backbone: Callable[[str], str], a_data_set: Callable[..., Path], a_picture: Volume, tmp_path: Path
) -> None:
    name = a_backbone(flavor)
    folder = train([a_data_set()], tmp_path / "model", settings_for(name), start_from=name)
    assert float(next(csv.DictReader((folder / "log.csv").open()))["loss"]) > 0
    assert not (folder / "model.safetensors").exists()
    assert all(is_adapter(key) for key in load_file(folder / "adapter.safetensors"))
    assert require_model_folder(folder).on_disk

    model = load_model(folder)
    towers = small_network(flavor).state_dict()
    for key, tensor in model.network.state_dict().items():
        assert is_adapter(key) or torch.equal(tensor, towers[key]), key
    result = to_the_end(run(model, SegmentationRequest(volume=a_picture, prompts=("polyp",), samples=2)))
    assert np.isfinite(result.prompts[0].probability).all()

    export_model(folder, tmp_path / "out.pth")
    torch.testing.assert_close(
        torch.load(tmp_path / "out.pth", weights_only=True)["model"], dict(model.network.state_dict()), rtol=0, atol=0
    )
    remove_model(name, keep_backbone=True)
    load_model(folder)
    export_model(folder, tmp_path / "out.zip")
    assert import_model(tmp_path / "out.zip", "mine").has_adapter


def test_a_resumed_training_keeps_backbone_and_stages(
    a_backbone: Callable[[str], str], a_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    class Killed(Exception): ...

    def kill(_progress: TrainingProgress) -> None:
        raise Killed

    name, data = a_backbone("pubmedclip"), [a_data_set()]
    with pytest.raises(Killed):
        train(data, tmp_path / "model", settings_for(name), start_from=name, progress=kill)
    assert begun_settings(tmp_path / "model").stages == ((1.0, 64),)
    folder = train(data, tmp_path / "model", settings_for(name), resume=True)
    whole = train(data, tmp_path / "whole", settings_for(name), start_from=name)
    found, wanted = (load_file(f / "adapter.safetensors") for f in (folder, whole))
    assert all(torch.equal(tensor, found[key]) for key, tensor in wanted.items())


def test_trained_towers_are_saved_with_the_model(
    a_backbone: Callable[[str], str], a_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    name = a_backbone("clip")
    settings = TrainingSettings(steps=1, batch_size=2, stages=((1.0, 32),), validate_every=1)
    folder = train([a_data_set()], tmp_path / "model", settings, start_from=name)
    assert not (folder / "backbone.json").exists()
    remove_model(name)
    load_model(folder)


def test_a_published_model_that_is_not_here_names_the_command(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    for start in (lambda: training_settings(None, start_from="biomedclip"), lambda: load_model("busi")):
        with pytest.raises(MedCLIPSegError, match=r"medclipseg models download (biomedclip|busi)"):
            start()
