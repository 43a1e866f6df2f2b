"""SAM: as transformers computes it, from files laid out as the published ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from loopback_hub import LoopbackHub
from planted_towers import finish
from safetensors.torch import load_file, save_file
from small_sam import SIDE, SMALL, metas_layout, save_sam, small_sam
from transformers import SamImageProcessor, SamProcessor

from MedCLIPSegLab.models.commands import export_model, import_model, list_models, verify_model
from MedCLIPSegLogic.clip_sam.objects import ObjectPrompt
from MedCLIPSegLogic.clip_sam.sam import OBJECTS_AT_ONCE, Sam, load_segmenter
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import default_model, describe_model
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.model.manifest import HubFile, ZooEntry
from MedCLIPSegLogic.model.sam_checkpoint import MEDSAM_PREPROCESSING, SamPreprocessing
from MedCLIPSegLogic.model.store import home, models_folder
from MedCLIPSegLogic.zoo import sam_layouts
from MedCLIPSegLogic.zoo.download import download
from MedCLIPSegLogic.zoo.importing import import_file

IMAGE = np.random.default_rng(0).integers(0, 256, (50, 90, 3), dtype=np.uint8)
BOXES = [(10.0, 5.0, 40.0, 30.0), (50.0, 20.0, 89.0, 49.0)]
POINTS = np.array([[[20, 12], [33, 28]], [[60, 30], [80, 40]]], np.float32)


@pytest.fixture
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let imports take the tiny SAM for one of the published sizes."""
    monkeypatch.setattr(sam_layouts, "ARCHITECTURES", {"tiny": SMALL})


@pytest.mark.parametrize("kind", ["box", "points", "both"])
def test_masks_are_those_of_transformers_and_its_processor(kind: str) -> None:
    model = small_sam()
    processor = SamProcessor(SamImageProcessor(size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE}))
    asked = {"input_boxes": [[list(box) for box in BOXES]]} if kind != "points" else {}
    if kind != "box":
        asked |= {"input_points": [POINTS.tolist()], "input_labels": [[[1, 1], [1, 1]]]}
    inputs = processor(images=IMAGE, return_tensors="pt", **asked)
    sizes = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
    with torch.inference_mode():
        output = model(
            **{k: v.float() if v.is_floating_point() else v for k, v in inputs.items()}, multimask_output=False
        )
    masks = processor.post_process_masks(output.pred_masks, *sizes, binarize=False)[0]

    sam = Sam("tiny", model, SamPreprocessing(), "")
    steps, embedding = finish(sam.embed(IMAGE))
    prompts = [
        ObjectPrompt(box if kind != "points" else None, points if kind != "box" else np.zeros((0, 2), np.float32))
        for box, points in zip(BOXES, POINTS, strict=True)
    ]
    ours = sam.segment(embedding, prompts)
    assert steps == 3
    assert ours.probability.shape == (2, 50, 90)
    assert ours.probability.dtype == np.float32
    assert np.abs(ours.probability - masks[:, 0].sigmoid().numpy()).max() < 1e-4
    assert np.allclose(ours.quality, output.iou_scores[0, :, 0].numpy(), atol=1e-4)
    assert np.ptp(masks.numpy()) > 0.1
    assert not np.allclose(ours.probability[0], ours.probability[1], atol=0.01)


def test_objects_do_not_disturb_each_other() -> None:
    sam = Sam("tiny", small_sam(), SamPreprocessing(), "")
    _, embedding = finish(sam.embed(IMAGE))
    rng = np.random.default_rng(1)
    prompts = [
        ObjectPrompt((n, n, n + 20.0, n + 15.0), rng.integers(n, n + 15, (1 + n % 4, 2)).astype(np.float32))
        for n in range(OBJECTS_AT_ONCE + 3)
    ]
    together = sam.segment(embedding, prompts)
    for number in (0, 3, OBJECTS_AT_ONCE, OBJECTS_AT_ONCE + 2):
        alone = sam.segment(embedding, [prompts[number]])
        assert np.abs(alone.probability[0] - together.probability[number]).max() < 0.05


def test_medsam_sees_a_square_of_values_from_0_to_1() -> None:
    sam = Sam("medsam", small_sam(), MEDSAM_PREPROCESSING, "")
    prepared, size = sam.prepare(IMAGE)
    assert size == (SIDE, SIDE)
    assert (float(prepared.min()), float(prepared.max())) >= (0.0, 0.9)
    assert float(prepared.max()) <= 1
    assert sam.boxes_only


def test_a_folder_as_the_hub_has_it_is_loaded(tmp_path: Path) -> None:
    model = save_sam(tmp_path / "sam")
    sam = load_segmenter(tmp_path / "sam")
    reference = Sam("sam", model, SamPreprocessing(), "")
    prompts = [ObjectPrompt(BOXES[0], np.zeros((0, 2), np.float32))]
    masks = [s.segment(finish(s.embed(IMAGE))[1], prompts).probability for s in (sam, reference)]
    assert np.array_equal(*masks)
    assert (sam.name, len(sam.model_hash), sam.boxes_only) == ("sam", 64, False)


def test_a_configuration_does_not_choose_what_runs(tmp_path: Path) -> None:
    save_sam(tmp_path)
    sizes = json.loads((tmp_path / "config.json").read_text())
    sizes["vision_config"] |= {
        "attn_implementation": "someone/kernel",
        "auto_map": {"AutoModel": "x--y.Z"},
        "dtype": "x",
    }
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    model = load_segmenter(tmp_path)._model
    assert model.config.vision_config._attn_implementation in ("sdpa", "eager")
    assert not hasattr(model.config.vision_config, "auto_map")


def test_a_damaged_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    save_sam(whole)
    sizes, tensors = json.loads((whole / "config.json").read_text()), load_file(whole / "model.safetensors")

    def changed(name: str, value: object) -> str:
        return json.dumps({**sizes, "vision_config": {**sizes["vision_config"], name: value}})

    def write(name: str, text: str) -> Callable[[Path], object]:
        return lambda folder: (folder / name).write_text(text)

    some = {name: tensor for name, tensor in tensors.items() if not name.endswith("iou_token.weight")}
    damages: list[tuple[Callable[[Path], object], str]] = [
        *(
            (write("config.json", changed(name, value)), f"'vision_config.{name}' cannot be")
            for name, value in (
                ("mlp_ratio", 1e300),
                ("layer_norm_eps", -1.0),
                ("global_attn_indexes", [*range(10_000)]),
                ("hidden_act", ["gelu"]),
                ("num_hidden_layers", 101),
                ("hidden_size", "9" * 10_000),
            )
        ),
        (write("preprocessor_config.json", '{"image_std": [1e-300, 1, 1]}'), "'image_std' must be at least"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
        (lambda folder: torch.save({}, folder / "model.safetensors"), "damaged"),
        (lambda folder: save_file(some, folder / "model.safetensors"), "do not fit"),
        (write("config.json", '{"model_type": "bert"}'), "not a SAM"),
        (write("config.json", changed("num_hidden_layers", 1_000_000)), "cannot be 1000000"),
        (write("config.json", changed("image_size", 80)), "do not fit each other"),
        (write("config.json", "{"), "not readable JSON"),
        (write("preprocessor_config.json", '{"image_mean": [1]}'), "three numbers"),
    ]
    for number, (damage, words) in enumerate(damages):
        folder = tmp_path / str(number)
        shutil.copytree(whole, folder)
        damage(folder)
        with pytest.raises(MedCLIPSegError, match=words):
            load_segmenter(folder)


@pytest.mark.parametrize("layout", ["meta", "transformers"])
def test_both_published_layouts_are_imported(tmp_path: Path, small_sizes: None, layout: str) -> None:
    model = small_sam()
    if layout == "meta":
        file = tmp_path / "sam_vit_t.pth"
        torch.save(metas_layout(model), file)
    else:
        save_sam(tmp_path / "hub")
        file = tmp_path / "hub" / "model.safetensors"
    report = import_model(file, "my-sam")
    assert (report.flavor, report.has_adapter) == ("sam", False)
    loaded = load_segmenter("my-sam")
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded._model.state_dict()[name], tensor), name
    verify_model("my-sam")
    assert {row.description.name: row.state for row in list_models()}["my-sam"] == "installed"
    assert describe_model("my-sam").kind == "sam"
    assert default_model() == "mini"
    with pytest.raises(MedCLIPSegError, match="is a SAM"):
        load_model("my-sam")


def test_a_sam_travels_in_an_archive(tmp_path: Path, small_sizes: None) -> None:
    torch.save(metas_layout(small_sam()), tmp_path / "medsam_vit_b.pth")
    assert import_model(tmp_path / "medsam_vit_b.pth", "one").flavor == "medsam"
    export_model(models_folder() / "one", tmp_path / "one.zip")
    import_model(tmp_path / "one.zip", "two")
    assert load_segmenter("two").boxes_only
    with pytest.raises(MedCLIPSegError, match="is a SAM"):
        export_model(models_folder() / "one", tmp_path / "one.pth")


def test_files_that_are_no_sam_of_a_known_size_are_refused(tmp_path: Path) -> None:
    torch.save(metas_layout(small_sam()), tmp_path / "sam.pth")
    with pytest.raises(MedCLIPSegError, match="width 24"):
        import_file(tmp_path / "sam.pth", "my-sam")


def test_a_changed_key_is_named(tmp_path: Path, small_sizes: None) -> None:
    tensors = metas_layout(small_sam())
    tensors["mask_decoder.extra"] = tensors.pop("mask_decoder.iou_token.weight")
    torch.save(tensors, tmp_path / "sam.pth")
    with pytest.raises(MedCLIPSegError, match=r"iou_token.weight is missing.*mask_decoder.extra is unexpected"):
        import_file(tmp_path / "sam.pth", "my-sam")
    assert not list(models_folder().glob("*"))


def test_a_sam_is_downloaded_like_a_model(tmp_path: Path, small_sizes: None) -> None:
    save_sam(tmp_path)
    file = HubFile("someone/sam", "model.safetensors", "Apache-2.0")
    entry = ZooEntry(
        "sam-vit-base", "sam", "sam", "SAM", "Objects", "pictures", None, None, None, 9, file, None, True, ""
    )
    with LoopbackHub() as hub:
        hub.bodies = {file.key: (tmp_path / "model.safetensors").read_bytes()}
        for _ in download(entry, True, endpoint=hub.endpoint):
            pass
    assert load_segmenter("sam-vit-base").name == "sam-vit-base"
    assert default_model() == "mini"
    assert not (home() / "downloads" / "sam-vit-base").exists()


def test_what_is_missing_is_said_with_the_way_out() -> None:
    with pytest.raises(MedCLIPSegError, match="models download sam-vit-large"):
        load_segmenter("sam-vit-large")
    with pytest.raises(MedCLIPSegError, match="There is no model 'no-such'"):
        load_segmenter("no-such")
