"""The panel with the real engine on a tiny untrained model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qt_double import QTimer, turn_event_loop

from MedCLIPSegLogic.model.config import AdapterConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "bright", "area"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("model")
    config = ModelConfig(
        flavor="tiny",
        joint_width=8,
        image=ImageTowerConfig(kind="vit", image_size=32, patch_size=16, width=16, layers=2, heads=2),
        text=TextTowerConfig(kind="bert", context_length=8, vocab_size=len(WORDS), width=16, layers=2, heads=2),
        adapter=AdapterConfig(width=8, fusion_layers=(1,)),
    )
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS), encoding="utf-8")
    return LoadedModel("tiny", MedCLIPSeg(config).eval(), PromptTokenizer(config, folder), model_hash="")


@pytest.fixture
def ready_panel(panel: Any, model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("MedCLIPSegLogic.model.library.load_model", lambda: model)
    return panel


def test_apply_brings_mask_and_maps_into_the_scene(ready_panel: Any, scene: Any) -> None:
    from MedCLIPSegLogic.scene.arrays import copy_voxels
    from MedCLIPSegLogic.scene.maps import PROBABILITY, map_nodes, map_role
    from MedCLIPSegLogic.scene.segmentation import segment_mask

    ready_panel.ui.applyButton.emit("clicked(bool)")
    turn_event_loop()
    assert ready_panel.ui.statusLabel.text.splitlines()[-1].startswith("Done in")
    node = ready_panel.parameters.node
    maps = {map_role(map_node): copy_voxels(map_node.GetImageData()) for map_node in map_nodes(scene)}
    assert len(maps) == 2
    segment = node.segmentation.GetSegmentation().GetNthSegmentID(0)
    mask = segment_mask(node.segmentation, segment, node.inputVolume)
    np.testing.assert_array_equal(mask, maps[PROBABILITY] > 0.5)


def test_cancel_stops_the_engine_between_two_steps(ready_panel: Any, scene: Any) -> None:
    ready_panel.ui.applyButton.emit("clicked(bool)")
    turn_event_loop(1)
    assert ready_panel.ui.statusLabel.text.startswith("Segmenting: slice 1 of 1, sample ")
    ready_panel.ui.applyButton.emit("clicked(bool)")
    turn_event_loop()
    assert QTimer.active == []
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
