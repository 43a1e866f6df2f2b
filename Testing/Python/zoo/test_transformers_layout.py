"""CLIP as transformers names it becomes a backbone: the port of BiomedCLIP, and ``CLIPModel`` itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from published_files import SMALL, open_clip_layout, small_network, write_vocabulary
from torch import Tensor
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel

from MedCLIPSegLab.models.commands import import_model
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.clip_towers import load_towers
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.library import find_model
from MedCLIPSegLogic.model.network import MedCLIPSeg


def biomedclip_port(network: MedCLIPSeg) -> dict[str, Tensor]:
    """The towers of a small biomedclip as the port without timm names them, written out key by key."""
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    image, text = "vision_model.trunk.", "text_model.transformer."
    port = {
        "logit_scale": state["logit_scale"],
        "vision_model.embeddings.class_embedding": state[image + "cls_token"][0, 0],
        "vision_model.embeddings.position_embedding.weight": state[image + "pos_embed"][0],
        "visual_projection.weight": state["vision_model.head.proj.weight"],
        "text_model.embeddings.token_embedding.weight": state[text + "embeddings.word_embeddings.weight"],
        "text_model.embeddings.position_embedding.weight": state[text + "embeddings.position_embeddings.weight"],
        "text_model.embeddings.token_type_embedding.weight": state[text + "embeddings.token_type_embeddings.weight"],
        "text_projection.fc1.weight": state["text_model.proj.0.weight"],
        "text_projection.fc2.weight": state["text_model.proj.2.weight"],
    }
    for kind in ("weight", "bias"):
        port[f"vision_model.embeddings.patch_embedding.{kind}"] = state[f"{image}patch_embed.proj.{kind}"]
        port[f"vision_model.post_layernorm.{kind}"] = state[f"{image}norm.{kind}"]
        port[f"text_model.embeddings.layer_norm.{kind}"] = state[f"{text}embeddings.LayerNorm.{kind}"]
        for number in range(3):
            theirs, ours = f"vision_model.encoder.layers.{number}.", f"{image}blocks.{number}."
            query, key, value = state[f"{ours}attn.qkv.{kind}"].chunk(3)
            # In the order in which the port's attention declares them.
            for projection, part in (("k", key), ("v", value), ("q", query)):
                port[f"{theirs}self_attn.{projection}_proj.{kind}"] = part.clone()
            port[f"{theirs}self_attn.out_proj.{kind}"] = state[f"{ours}attn.proj.{kind}"]
            for layer in ("1", "2"):
                port[f"{theirs}layer_norm{layer}.{kind}"] = state[f"{ours}norm{layer}.{kind}"]
                port[f"{theirs}mlp.fc{layer}.{kind}"] = state[f"{ours}mlp.fc{layer}.{kind}"]
            theirs, ours = f"text_model.encoder.layers.{number}.", f"{text}encoder.layer.{number}."
            for letter, name in (("q", "query"), ("k", "key"), ("v", "value")):
                port[f"{theirs}self_attn.{letter}_proj.{kind}"] = state[f"{ours}attention.self.{name}.{kind}"]
            port[f"{theirs}self_attn.out_proj.{kind}"] = state[f"{ours}attention.output.dense.{kind}"]
            port[f"{theirs}layer_norm1.{kind}"] = state[f"{ours}attention.output.LayerNorm.{kind}"]
            port[f"{theirs}mlp.fc1.{kind}"] = state[f"{ours}intermediate.dense.{kind}"]
            port[f"{theirs}mlp.fc2.{kind}"] = state[f"{ours}output.dense.{kind}"]
            port[f"{theirs}layer_norm2.{kind}"] = state[f"{ours}output.LayerNorm.{kind}"]
    return port


def assert_same_towers(name: str, network: MedCLIPSeg) -> None:
    loaded = load_to_train(find_model(name)).state_dict()
    for key, tensor in network.state_dict().items():
        if key.startswith(("vision_model.", "text_model.")):
            assert torch.equal(loaded[key], tensor), key


@pytest.mark.parametrize(
    "wrap",
    [
        lambda port: port,
        lambda port: port | {"text_model.embeddings.position_ids": torch.arange(20)[None]},
        lambda port: {"state_dict": {f"module.model.{key}": tensor for key, tensor in port.items()}, "epoch": 3},
    ],
)
def test_the_port_of_biomedclip_is_a_backbone(wrap: Callable, tmp_path: Path, small_flavors: None) -> None:
    write_vocabulary(tmp_path)
    network = small_network("biomedclip")
    torch.save(wrap(biomedclip_port(network)), tmp_path / "pytorch_model.bin")
    report = import_model(tmp_path / "pytorch_model.bin", "tuned")
    assert (report.flavor, report.has_adapter) == ("biomedclip", False)
    assert_same_towers("tuned", network)
    names = {key.key: key.weight for key in report.keys}
    assert {names[f"vision_model.encoder.layers.1.self_attn.{p}_proj.bias"] for p in "qkv"} == {
        "vision_model.trunk.blocks.1.attn.qkv.bias"
    }


@pytest.mark.parametrize("prefix", ["model.", "module.", "module.model."])
def test_prefixes_of_training_code_are_taken_off(prefix: str, tmp_path: Path, small_flavors: None) -> None:
    write_vocabulary(tmp_path)
    network = small_network("biomedclip")
    state = {prefix + key: tensor for key, tensor in open_clip_layout(network).items()}
    torch.save({"epoch": 32, "name": "tuned", "state_dict": state, "scaler": {}}, tmp_path / "epoch_32.pt")
    import_model(tmp_path / "epoch_32.pt", "tuned")
    assert_same_towers("tuned", network)


def drop(key: str) -> Callable[[dict[str, Tensor]], None]:
    return lambda port: port.__delitem__(key)


def cut(key: str) -> Callable[[dict[str, Tensor]], None]:
    return lambda port: port.update({key: port[key][1:]})


def test_a_key_that_is_wrong_is_named(tmp_path: Path, small_flavors: None) -> None:
    for change, words in [
        (
            drop("vision_model.encoder.layers.2.self_attn.k_proj.weight"),
            r"layers\.2\.self_attn\.k_proj\.weight is missing",
        ),
        (
            cut("vision_model.encoder.layers.2.self_attn.v_proj.bias"),
            r"blocks\.2\.attn\.qkv\.bias have different shapes",
        ),
        (drop("text_projection.fc2.weight"), r"text_model\.proj\.2\.weight is missing"),
        (
            cut("vision_model.post_layernorm.bias"),
            r"vision_model\.post_layernorm\.bias should be \(24,\) but is \(23,\)",
        ),
        (lambda port: port.update(extra=torch.zeros(1)), "extra is unexpected"),
        (
            lambda port: port["text_projection.fc1.weight"].fill_(torch.nan),
            r"text_projection\.fc1\.weight has values that",
        ),
    ]:
        write_vocabulary(tmp_path)
        port = biomedclip_port(small_network("biomedclip"))
        change(port)
        torch.save(port, tmp_path / "pytorch_model.bin")
        with pytest.raises(MedCLIPSegError, match=words):
            import_model(tmp_path / "pytorch_model.bin", "tuned")


@pytest.mark.parametrize("flavor", ["clip", "pubmedclip"])
@torch.no_grad()
def test_clip_of_transformers_gives_its_own_vectors(flavor: str, tmp_path: Path, small_flavors: None) -> None:
    image, text = SMALL[flavor].image, SMALL[flavor].text
    sizes = {"num_hidden_layers": 3, "num_attention_heads": 2, "hidden_act": "quick_gelu", "attention_dropout": 0.0}
    config = CLIPConfig(
        vision_config={
            **sizes,
            "hidden_size": image.width,
            "intermediate_size": 4 * image.width,
            "image_size": image.image_size,
            "patch_size": image.patch_size,
        },
        text_config={
            **sizes,
            "hidden_size": text.width,
            "intermediate_size": 4 * text.width,
            "vocab_size": text.vocab_size,
            "max_position_embeddings": text.context_length,
            "eos_token_id": 49_407,
        },
        projection_dim=SMALL[flavor].joint_width,
    )
    torch.manual_seed(4)
    model = CLIPModel(config).eval()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    assert import_model(tmp_path / "pytorch_model.bin", flavor).flavor == flavor
    towers = load_towers(flavor)
    images = torch.randn(2, 3, image.image_size, image.image_size)
    prompts = ["a brain tumor", "lungs"]
    outputs = model(input_ids=towers.tokenize(prompts), pixel_values=images)
    for ours, theirs in (
        (towers.image_vectors(images), outputs.image_embeds),
        (towers.text_vectors(prompts), outputs.text_embeds),
    ):
        torch.testing.assert_close(ours, functional.normalize(theirs, dim=-1), rtol=1e-4, atol=1e-5)
