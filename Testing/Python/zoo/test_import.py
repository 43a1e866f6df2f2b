"""Published checkpoints become models and go back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from published_files import (
    SMALL,
    logits,
    open_clip_layout,
    openai_layout,
    save_published,
    small_network,
    write_vocabulary,
)
from safetensors.torch import load_file, save_file

from MedCLIPSegLab.models.commands import export_model, import_model, remove_model, verify_model
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import describe_model
from MedCLIPSegLogic.model.checkpoint import load_checkpoint, load_to_train
from MedCLIPSegLogic.model.library import find_model, load_model


def test_import_and_export_are_exact(a_checkpoint: Path, tmp_path: Path) -> None:
    report = import_model(a_checkpoint, "mine")
    network = small_network("unimedclip")
    assert torch.equal(logits(load_checkpoint(find_model("mine"))), logits(network))
    assert {key.part for key in report.keys} == {"adapter", "backbone"}
    assert [key.key for key in report.keys] == list(network.state_dict())
    export_model("mine", tmp_path / "back.pth")
    back = torch.load(tmp_path / "back.pth", weights_only=True)["model"]
    assert list(back) == list(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(back[name], tensor), name


@pytest.mark.parametrize("flavor", SMALL)
def test_every_flavor_is_recognized(flavor: str, tmp_path: Path, small_flavors: None) -> None:
    write_vocabulary(tmp_path)
    network = small_network(flavor)
    report = import_model(save_published(network, tmp_path / "latest.pth"), flavor + "-model")
    assert report.flavor == flavor
    assert torch.equal(logits(load_model(flavor + "-model").network), logits(network))
    verify_model(flavor + "-model")


def test_models_share_their_backbone(a_checkpoint: Path, tmp_path: Path, a_home: Path) -> None:
    other = small_network("unimedclip")
    with torch.no_grad():
        other.mask_head[0].weight += 1
    first = import_model(a_checkpoint, "one")
    second = import_model(save_published(other, a_checkpoint.parent / "other.pth"), "two")
    assert (first.backbone.was_there, second.backbone.was_there) == (False, True)
    assert len(list((a_home / "backbones").glob("*.safetensors"))) == 1
    assert not torch.equal(logits(load_model("one").network), logits(load_model("two").network))
    assert load_model("one").model_hash != load_model("two").model_hash
    assert remove_model("one").backbone_bytes == 0
    assert torch.equal(logits(load_model("two").network), logits(other))
    assert remove_model("two").backbone_bytes == second.backbone.size
    assert list((a_home / "backbones").iterdir()) == []
    assert list((a_home / "models").iterdir()) == []


def test_half_precision_halves_the_adapter(a_checkpoint: Path) -> None:
    whole, half = import_model(a_checkpoint, "whole"), import_model(a_checkpoint, "half", half=True)
    assert half.adapter_bytes < 0.7 * whole.adapter_bytes
    assert {t.dtype for t in load_file(half.folder / "adapter.safetensors").values()} == {torch.float16}
    assert torch.allclose(logits(load_model("half").network), logits(load_model("whole").network), atol=1e-2)


def test_values_too_large_for_half_precision_are_named(a_checkpoint: Path) -> None:
    network = small_network("unimedclip")
    with torch.no_grad():
        network.mask_head[2].bias[3] = 1e6
    save_published(network, a_checkpoint)
    with pytest.raises(MedCLIPSegError, match=r"mask_head\.2\.bias has values above 65504"):
        import_model(a_checkpoint, "mine", half=True)


def change_missing(state: dict) -> None:
    del state["upscale.1.norm.weight"]


def change_extra(state: dict) -> None:
    state["vision_model.extra"] = torch.zeros(2)


def change_shape(state: dict) -> None:
    state["mask_head.4.bias"] = torch.zeros(3)


def change_nan(state: dict) -> None:
    state["text_model.proj.0.weight"][0, 0] = float("nan")


def change_integers(state: dict) -> None:
    state["mask_head.4.bias"] = torch.zeros(16, dtype=torch.int64)


def change_double(state: dict) -> None:
    state["mask_head.4.bias"] = torch.zeros(16, dtype=torch.float64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_missing, r"upscale\.1\.norm\.weight is missing"),
        (change_extra, r"vision_model\.extra is unexpected"),
        (change_shape, r"mask_head\.4\.bias should be \(16,\) but is \(3,\)"),
        (change_nan, r"text_model\.proj\.0\.weight has values that are no numbers"),
        (change_integers, r"mask_head\.4\.bias has integers"),
        (change_double, r"mask_head\.4\.bias is of type torch\.float64"),
        (dict.clear, "holds no weights"),
    ],
)
def test_a_key_that_is_wrong_is_named(a_checkpoint: Path, a_home: Path, change, words: str) -> None:  # noqa: ANN001
    state = {name: tensor.clone() for name, tensor in small_network("unimedclip").state_dict().items()}
    change(state)
    torch.save({"model": state}, a_checkpoint)
    with pytest.raises(MedCLIPSegError, match=words):
        import_model(a_checkpoint, "mine")
    assert not list((a_home / "models").glob("*")) if (a_home / "models").exists() else True


def test_all_wrong_keys_are_counted(a_checkpoint: Path) -> None:
    state = {n: t for n, t in small_network("unimedclip").state_dict().items() if not n.startswith("pvl_adapters.1.")}
    torch.save({"model": state}, a_checkpoint)
    with pytest.raises(MedCLIPSegError, match=r"pvl_adapters\.1\.\S+ is missing; .*and \d+ more differences"):
        import_model(a_checkpoint, "mine")


@pytest.mark.parametrize(
    ("flavor", "layout"),
    [
        ("biomedclip", lambda n: open_clip_layout(n)),
        ("biomedclip", lambda n: open_clip_layout(n) | {"text.transformer.embeddings.position_ids": torch.arange(20)}),
        ("unimedclip", lambda n: {"state_dict": open_clip_layout(n, "text_encoder."), "epoch": 3, "name": "x"}),
        ("unimedclip", lambda n: {"state_dict": {f"module.{k}": v for k, v in open_clip_layout(n).items()}}),
        ("clip", openai_layout),
        ("pubmedclip", lambda n: {"state_dict": openai_layout(n), "epoch": 50}),
    ],
)
def test_clip_checkpoints_are_backbones(flavor: str, layout, tmp_path: Path, small_flavors: None) -> None:  # noqa: ANN001
    write_vocabulary(tmp_path)
    network = small_network(flavor)
    torch.save(layout(network), tmp_path / "clip.bin")
    report = import_model(tmp_path / "clip.bin", flavor)
    assert (report.flavor, report.has_adapter) == (flavor, False)
    assert {key.part for key in report.keys if not key.weight} <= {"left out"}
    loaded = load_to_train(find_model(flavor)).state_dict()
    for name, tensor in network.state_dict().items():
        if name.startswith(("vision_model.", "text_model.")):
            assert torch.equal(loaded[name], tensor), name
    assert describe_model(flavor).kind == "backbone"
    with pytest.raises(MedCLIPSegError, match="cannot segment; train on it"):
        load_model(flavor)


def test_a_backbone_in_safetensors_and_half_precision(tmp_path: Path, small_flavors: None) -> None:
    network = small_network("clip")
    tensors = {name: tensor.half().contiguous() for name, tensor in open_clip_layout(network, text="").items()}
    save_file(tensors, tmp_path / "open_clip_model.safetensors")
    import_model(tmp_path / "open_clip_model.safetensors", "clip")
    loaded = load_to_train(find_model("clip")).state_dict()
    assert torch.equal(loaded["vision_model.proj"], network.state_dict()["vision_model.proj"].half().float())


def test_the_vocabulary_is_found_or_asked_for(a_checkpoint: Path, tmp_path: Path) -> None:
    vocabulary = a_checkpoint.parent / "vocab.txt"
    elsewhere = tmp_path / "words.txt"
    vocabulary.rename(elsewhere)
    with pytest.raises(MedCLIPSegError, match=r"BiomedBERT.*vocab\.txt.*--vocabulary"):
        import_model(a_checkpoint, "mine")
    with pytest.raises(MedCLIPSegError, match="no vocabulary"):
        import_model(a_checkpoint, "mine", vocabulary=tmp_path / "gone.txt")
    import_model(a_checkpoint, "mine", vocabulary=elsewhere)
    import_model(a_checkpoint, "another")
    assert load_model("another").tokenizer(["tumor"])[0, 1] == 57


def test_names_are_kept_apart(a_checkpoint: Path) -> None:
    import_model(a_checkpoint, "mine")
    with pytest.raises(MedCLIPSegError, match="a model 'mine' already"):
        import_model(a_checkpoint, "mine")
    import_model(a_checkpoint, "mine", replace=True)
    with pytest.raises(MedCLIPSegError, match="bundled model"):
        import_model(a_checkpoint, "mini", replace=True)
    with pytest.raises(MedCLIPSegError, match="cannot be removed"):
        remove_model("mini")
    for name in ("", "..", "a/b", "/etc", "a b", ".hidden", "C:\\x", "x" * 65, "mine\n"):
        with pytest.raises(MedCLIPSegError, match="cannot name a model"):
            import_model(a_checkpoint, name)
        with pytest.raises(MedCLIPSegError, match="no installed model"):
            remove_model(name)


def test_the_record_lists_source_files_and_keys(a_checkpoint: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    record = json.loads((folder / "import.json").read_text())
    assert record["source"] == {
        "file": "latest.pth",
        "sha256": hashlib.sha256(a_checkpoint.read_bytes()).hexdigest(),
    }
    assert set(record["files"]) == {p.name for p in folder.iterdir()} - {"import.json"}
    assert record["keys"][0] == {
        "key": "logit_scale",
        "weight": "logit_scale",
        "part": "backbone",
        "shape": [],
        "dtype": "float32",
    }
    card = describe_model("mine")
    assert (card.title, card.license, card.on_disk) == ("mine", "CC BY-NC 4.0", True)


def test_verify_names_what_was_changed(a_checkpoint: Path, a_home: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    verify_model("mine")
    backbone = next((a_home / "backbones").iterdir())
    content = bytearray(backbone.read_bytes())
    content[-1] ^= 1
    backbone.write_bytes(content)
    with pytest.raises(MedCLIPSegError, match=r"backbone .* is damaged"):
        verify_model("mine")
    import_model(a_checkpoint, "again")  # heals the backbone
    verify_model("mine")
    (folder / "adapter.safetensors").write_bytes(b"x")
    with pytest.raises(MedCLIPSegError, match=r"adapter\.safetensors .* was changed"):
        verify_model("mine")


def test_a_missing_backbone_is_named(a_checkpoint: Path, a_home: Path) -> None:
    import_model(a_checkpoint, "mine")
    next((a_home / "backbones").iterdir()).unlink()
    with pytest.raises(MedCLIPSegError, match=r"needs the unimedclip backbone .* download or import"):
        load_model("mine")
    assert not describe_model("mine").on_disk


def test_a_model_travels_in_one_archive(a_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_model(a_checkpoint, "mine")
    export_model("mine", tmp_path / "mine.zip")
    expected = logits(load_model("mine").network)
    monkeypatch.setenv("MEDCLIPSEG_HOME", str(tmp_path / "other computer"))
    report = import_model(tmp_path / "mine.zip", "carried")
    assert (report.flavor, report.has_adapter, report.backbone.was_there) == ("unimedclip", True, False)
    assert torch.equal(logits(load_model("carried").network), expected)
    verify_model("carried")


def test_the_bundled_model_travels_too(tmp_path: Path) -> None:
    export_model("mini", tmp_path / "mini.zip")
    assert import_model(tmp_path / "mini.zip", "mini-copy").backbone is None
    assert load_model("mini-copy").network.config == load_model("mini").network.config


def test_exports_are_refused_with_a_sentence(a_checkpoint: Path, tmp_path: Path) -> None:
    import_model(a_checkpoint, "mine")
    with pytest.raises(MedCLIPSegError, match=r"end in \.pth .* or \.zip"):
        export_model("mine", tmp_path / "mine.pt")
    with pytest.raises(MedCLIPSegError, match="no published layout"):
        export_model("mini", tmp_path / "mini.pth")
    with pytest.raises(MedCLIPSegError, match="no folder"):
        export_model("mine", tmp_path / "gone" / "mine.pth")
    export_model("mine", tmp_path / "mine.zip")
    with pytest.raises(MedCLIPSegError, match="exists already"):
        export_model("mine", tmp_path / "mine.zip")
    export_model("mine", tmp_path / "mine.zip", overwrite=True)
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["mine.zip"]


def test_a_full_disk_leaves_nothing(a_checkpoint: Path, a_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("MedCLIPSegLogic.model.checkpoint.save_file", full)
    with pytest.raises(MedCLIPSegError, match=r"No space left on device; free some space .* MEDCLIPSEG_HOME"):
        import_model(a_checkpoint, "mine")
    assert list((a_home / "models").iterdir()) == []
