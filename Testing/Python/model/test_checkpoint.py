"""Weights on disk: whole, or refused with a sentence."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from model_saving import save_checkpoint
from safetensors.torch import load_file, save_file

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.checkpoint import load_checkpoint
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.model.network import MedCLIPSeg


def test_round_trip_is_exact(a_config: ModelConfig, tmp_path: Path) -> None:
    network = MedCLIPSeg(a_config)
    save_checkpoint(network, tmp_path)
    back = load_checkpoint(tmp_path)
    assert back.config == a_config
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[name])


def test_half_precision_halves_the_file(a_config: ModelConfig, tmp_path: Path) -> None:
    network = MedCLIPSeg(a_config)
    sizes = []
    for half in (False, True):
        save_checkpoint(network, tmp_path, half=half)
        sizes.append((tmp_path / "model.safetensors").stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]
    weight = load_checkpoint(tmp_path).state_dict()["mask_head.0.weight"]
    assert weight.dtype == torch.float32
    assert torch.allclose(weight, network.state_dict()["mask_head.0.weight"], atol=1e-3)


def test_truncated_at_every_tenth(a_model_folder: Path) -> None:
    path = a_model_folder / "model.safetensors"
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(MedCLIPSegError, match=r"model\.safetensors"):
            load_checkpoint(a_model_folder)


def test_pickle_is_not_run(a_model_folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (marker,))

    (a_model_folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(MedCLIPSegError, match="safetensors format"):
        load_checkpoint(a_model_folder)
    assert not marker.exists()


def test_foreign_weights_name_the_first_difference(a_model_folder: Path) -> None:
    save_file({"something": torch.zeros(3)}, a_model_folder / "model.safetensors")
    with pytest.raises(MedCLIPSegError, match=r"logit_scale should be \(\) but is nothing"):
        load_checkpoint(a_model_folder)


def test_extra_weight_is_named(a_model_folder: Path) -> None:
    path = a_model_folder / "model.safetensors"
    save_file(load_file(path) | {"zzz": torch.zeros(3)}, path)
    with pytest.raises(MedCLIPSegError, match=r"zzz should be nothing but is \(3,\)"):
        load_checkpoint(a_model_folder)


def test_other_sizes_are_named_before_memory_is_taken(a_model_folder: Path) -> None:
    config = json.loads((a_model_folder / "config.json").read_text())
    config["joint_width"] = 2**20
    (a_model_folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(MedCLIPSegError, match="mask_head"):
        load_checkpoint(a_model_folder)


def test_bad_configurations_name_the_field(a_model_folder: Path) -> None:
    changes: list[tuple[Callable[[dict], object], str]] = [
        (lambda c: c.pop("image"), "'image' is missing"),
        (lambda c: c.update(color=1), "'color' is unknown"),
        (lambda c: c["text"].update(width="wide"), "'text.width' is wide; it must be a whole number"),
        (lambda c: c["text"].update(kind="gpt"), "'text.kind' is gpt; it must be 'bert' or 'clip'"),
        (lambda c: c["adapter"].update(fusion_layers=[2, 9]), "fusion_layers"),
        (lambda c: c["adapter"].update(fusion_layers=2), "fusion_layers"),
        (lambda c: c["image"].update(heads=0), "image.heads"),
        (lambda c: c["image"].update(mlp_ratio=-1.0), "image.mlp_ratio"),
        (lambda c: c["text"].update(mlp_ratio=float("inf")), "the number Infinity"),
        (lambda c: c["text"].update(vocab_size=-1), "text.vocab_size"),
        (lambda c: c["adapter"].update(beta=float("nan")), "the number NaN"),
        (lambda c: c["adapter"].update(up_init_std=-1.0), "adapter.up_init_std"),
        (lambda c: c["adapter"].update(beta=1e308), "adapter.beta"),
        (lambda c: c["adapter"].update(gate_init=-(10**290)), "adapter.gate_init"),
        (lambda c: c["adapter"].update(fusion_layers=[*range(1000)]), "fusion_layers"),
        (lambda c: c["image"].update(mlp_ratio=1e300), "image.mlp_ratio"),
        (lambda c: c["image"].update(mlp_ratio=1e-300), "image.mlp_ratio"),
        (lambda c: c["image"].update(layer_scale=1e300), "image.layer_scale"),
        (lambda c: c["image"].update(stem_channels=[8] * 1000), "image.stem_channels"),
        (lambda c: c["image"].update(image_size=4096, patch_size=1), "image.patch_size"),
        (lambda c: c["text"].update(context_length=2**40), "text.context_length"),
        (lambda c: c["preprocessing"].update(mean=[1e300, 0, 0]), "preprocessing.mean"),
        (lambda c: c["preprocessing"].update(std=[1e-300, 1, 1]), "preprocessing.std"),
        (lambda c: c["head"].update(kind="x" * 10_000), "head.kind"),
        (lambda c: c.update(flavor="x" * 10_000), "at most 64 letters"),
        (lambda c: c.update({"x\n" * 10_000: 1}), "x x .* is unknown"),
        (lambda c: c.update(joint_width=-1), "joint width is -1; it must be between 1 and 1048576"),
        (lambda c: c["image"].update(width=2**62, heads=2), "'image.width' is 4611686018427387904; it must be at most"),
        (lambda c: c["image"].update(image_size=33), "image.image_size"),
        (lambda c: c["text"].update(layers=5), "text.layers"),
        (lambda c: c.update(head=[]), "head cannot be"),
    ]
    path = a_model_folder / "config.json"
    good = path.read_text()
    for change, words in changes:
        config = json.loads(good)
        change(config)
        path.write_text(json.dumps(config))
        with pytest.raises(MedCLIPSegError, match=words) as caught:
            load_checkpoint(a_model_folder)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < len(str(path)) + 250
    numbers = ("NaN", "-Infinity", "1e999", "9" * 5000, "9" * 4000)
    for text in ("", "{", "[]", "\x00", '{"a": ' * 5000, *(f'{{"joint_width": {number}}}' for number in numbers)):
        path.write_text(text)
        with pytest.raises(MedCLIPSegError, match=r"config\.json"):
            load_checkpoint(a_model_folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocab.txt"])
def test_missing_file_is_named(a_model_folder: Path, name: str) -> None:
    (a_model_folder / name).unlink()
    with pytest.raises(MedCLIPSegError, match=name.replace(".", r"\.")):
        load_model(a_model_folder)


def test_vocabulary_of_another_size_is_refused(a_model_folder: Path) -> None:
    path = a_model_folder / "vocab.txt"
    path.write_text(path.read_text() + "extra\n")
    with pytest.raises(MedCLIPSegError, match=r"vocab\.txt has 59 entries"):
        load_model(a_model_folder)


def test_unknown_model_lists_the_names() -> None:
    with pytest.raises(MedCLIPSegError, match=r"no model 'maxi'; .* mini"):
        load_model("maxi")


def test_tokenizer_pads_only_as_needed(a_model: LoadedModel) -> None:
    ids = a_model.tokenizer(["tumor", "Tumor ab"])
    assert ids.tolist()[0][:3] == [2, ids.tolist()[1][1], 3]
    assert ids.tolist()[0][3:] == [0] * (ids.shape[1] - 3)
    assert a_model.tokenizer(["a " * 100]).shape == (1, 16)


def test_a_prompt_without_a_known_letter_is_refused(a_model: LoadedModel) -> None:
    with pytest.raises(MedCLIPSegError, match="knows no word"):
        a_model.tokenizer(["肝臓"])


def test_a_vocabulary_must_begin_with_padding(a_model_folder: Path) -> None:
    path = a_model_folder / "vocab.txt"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([*rest, first]) + "\n")
    with pytest.raises(MedCLIPSegError, match=r"begin with \[PAD\]"):
        load_model(a_model_folder)


DAMAGES: list[tuple[Callable[[torch.Tensor], torch.Tensor], str]] = [
    (lambda weight: weight * float("nan"), "has values that are no numbers"),
    (lambda weight: weight / 0, "has values that are no numbers"),
    (lambda weight: weight.double(), "is of type F64"),
    (lambda weight: weight.int(), "is of type I32"),
    (lambda weight: weight.bool(), "is of type BOOL"),
    (lambda weight: weight.to(torch.float8_e4m3fn), "is of type F8_E4M3"),
    (lambda weight: weight.to(torch.complex64), "is of type C64"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGES)
def test_weights_are_finite_numbers(
    damage: Callable[[torch.Tensor], torch.Tensor], words: str, a_model_folder: Path
) -> None:
    path = a_model_folder / "model.safetensors"
    weights = load_file(path)
    save_file(weights | {"mask_head.4.bias": damage(weights["mask_head.4.bias"])}, path)
    with pytest.raises(MedCLIPSegError, match=rf"model\.safetensors are damaged: mask_head\.4\.bias {words}"):
        load_checkpoint(a_model_folder)
