"""The opened towers against whole models of open_clip and timm that share nothing but the weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import open_clip.model
import pytest
import timm
import torch
from open_clip.hf_model import HFTextEncoder
from published_files import SMALL, open_clip_layout
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig

from MedCLIPSegLogic.inference.clip_towers import ClipTowers
from MedCLIPSegLogic.inference.naming import kind_sentences, kind_vectors
from MedCLIPSegLogic.model.network import MedCLIPSeg

Towers = Callable[[str], ClipTowers]
EVERY_TOWER = [*SMALL, "mini"]
PROMPTS = ["a tumor", "polyp"]


def network_of(towers: ClipTowers) -> MedCLIPSeg:
    return towers._network


def weights(network: MedCLIPSeg, part: str) -> dict[str, Tensor]:
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in network.state_dict().items() if name.startswith(start)}


def openai_clip(network: MedCLIPSeg) -> open_clip.model.CLIP:
    """open_clip's own CLIP of the same sizes and weights."""
    image, text = network.config.image, network.config.text
    model = open_clip.model.CLIP(
        network.config.joint_width,
        {
            "image_size": image.image_size,
            "patch_size": image.patch_size,
            "width": image.width,
            "layers": image.layers,
            "head_width": image.width // image.heads,
        },
        {
            "context_length": text.context_length,
            "vocab_size": text.vocab_size,
            "width": text.width,
            "layers": text.layers,
            "heads": text.heads,
        },
        quick_gelu=True,
    )
    model.load_state_dict(open_clip_layout(network, text=""))
    return model.eval()


def bert(network: MedCLIPSeg) -> HFTextEncoder:
    """open_clip's encoder around BERT, with the weights of the text tower."""
    text = network.config.text
    config = BertConfig(
        vocab_size=text.vocab_size,
        hidden_size=text.width,
        num_hidden_layers=text.layers,
        num_attention_heads=text.heads,
        intermediate_size=4 * text.width,
        max_position_embeddings=text.max_positions,
    )
    options = {"pooler_type": "cls_last_hidden_state_pooler", "proj_type": "mlp", "pretrained": False}
    model = HFTextEncoder("", network.config.joint_width, config=config, **options)
    missing, unexpected = model.load_state_dict(weights(network, "text_model"), strict=False)
    assert not unexpected
    assert all("pooler" in name for name in missing)
    return model.eval()


def timm_trunk(network: MedCLIPSeg) -> nn.Module:
    """timm's own transformer with the weights of the image tower."""
    image = network.config.image
    sizes = {"img_size": image.image_size, "embed_dim": image.width, "depth": image.layers, "num_heads": image.heads}
    trunk = timm.create_model("vit_base_patch16_224", num_classes=0, **sizes)
    trunk.load_state_dict(weights(network, "vision_model.trunk"))
    return trunk.eval()


@torch.no_grad()
def whole_image_vectors(network: MedCLIPSeg, images: Tensor) -> Tensor:
    flavor = network.config.flavor
    if flavor == "biomedclip":
        # The trunk's own pooling takes the class token.
        return timm_trunk(network)(images) @ network.vision_model.get_parameter("head.proj.weight").T
    if network.config.image.stem_channels:
        # timm's forward over the stem and all blocks; the image's vector is the mean over the patches.
        tokens = network.vision_model.get_submodule("trunk").forward_features(images)
        return (tokens[:, 1:] @ network.vision_model.get_parameter("head.proj.weight").T).mean(dim=1)
    if network.config.text.kind == "bert":
        image = network.config.image
        tower = open_clip.model._build_vision_tower(
            network.config.joint_width,
            open_clip.model.CLIPVisionCfg(
                layers=image.layers,
                width=image.width,
                head_width=image.width // image.heads,
                patch_size=image.patch_size,
                image_size=image.image_size,
            ),
            quick_gelu=True,
        )
        tower.load_state_dict(weights(network, "vision_model"))
        return tower.eval()(images)
    return openai_clip(network).encode_image(images)


@torch.no_grad()
def whole_text_vectors(network: MedCLIPSeg, ids: Tensor) -> Tensor:
    if network.config.text.kind == "bert":
        return bert(network)(ids)
    if network.config.text.causal:
        return openai_clip(network).encode_text(ids)
    # open_clip's own forward of the tower, which reads both ways and ignores padding.
    return network.text_model.forward(ids)


@pytest.mark.parametrize("flavor", EVERY_TOWER)
def test_split_towers_say_what_whole_models_of_the_libraries_say(flavor: str, every_tower: Towers) -> None:
    towers = every_tower(flavor)
    network = network_of(towers)
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 255, (40, 56, 3), dtype=np.uint8) for _ in range(2)]
    images = torch.cat([towers.prepare(picture).input for picture in pictures])
    expected = functional.normalize(whole_image_vectors(network, images), dim=-1)
    assert not torch.allclose(expected[0], expected[1], atol=1e-4)
    for last in range(-1, towers.blocks):
        assert torch.allclose(towers.finish(towers.begin(images, last), last + 1), expected, atol=1e-5)
    ids = towers.tokenize(PROMPTS)
    expected = functional.normalize(whole_text_vectors(network, ids), dim=-1)
    assert not torch.allclose(expected[0], expected[1], atol=1e-4)
    for last in range(-1, towers.text_blocks):
        tokens, state = towers.begin_text(ids, last)
        assert torch.allclose(towers.finish_text(tokens, last + 1, state), expected, atol=1e-5)


@pytest.mark.parametrize("flavor", SMALL)
def test_kinds_of_image_have_the_vectors_of_their_sentences(flavor: str, some_towers: Towers) -> None:
    towers = some_towers(flavor)
    wanted = torch.stack([towers.text_vectors(sentences).mean(dim=0) for sentences in kind_sentences().values()])
    wanted = torch.nn.functional.normalize(wanted, dim=-1)
    assert torch.allclose(kind_vectors(towers), wanted, atol=1e-5)
