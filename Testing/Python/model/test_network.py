"""Properties of the network that the golden files do not show."""

import dataclasses

import pytest
import timm
import torch

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.config import (
    LITE_CHANNELS,
    AdapterConfig,
    HeadConfig,
    ImageTowerConfig,
    ModelConfig,
    TextTowerConfig,
)
from MedCLIPSegLogic.model.image_tower import LITE_LEVELS
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import SeededNoise
from MedCLIPSegLogic.model.states import join_pairs

ROWS = [(0, 0), (0, 1)]


def published_style(image: ImageTowerConfig, text: TextTowerConfig) -> ModelConfig:
    return ModelConfig("test", 16, image, text, AdapterConfig(8, (1, 2)))


VIT = ImageTowerConfig("vit", 32, 16, 24, 4, 2, activation="quick_gelu")
TIMM = ImageTowerConfig("timm", 32, 16, 24, 4, 2)
BERT = TextTowerConfig("bert", 12, 50, 16, 4, 2, max_positions=20)
CLIP = TextTowerConfig("clip", 12, 50, 16, 4, 2, causal=True)


@pytest.mark.parametrize("image", [VIT, TIMM])
@pytest.mark.parametrize("text", [BERT, CLIP])
def test_towers_of_open_clip_and_timm_combine(image: ImageTowerConfig, text: TextTowerConfig) -> None:
    network = MedCLIPSeg(published_style(image, text)).eval()
    output = network(torch.randn(2, 3, 32, 32), torch.randint(1, 50, (2, 12)), SeededNoise(0, ROWS))
    assert output.logits.shape == (2, 32, 32)
    assert torch.isfinite(output.logits).all()
    lengths = output.patches.norm(dim=1)
    assert torch.allclose(lengths, torch.ones_like(lengths), atol=1e-5)


def test_without_adapters_the_text_tower_is_open_clips_own() -> None:
    for text in [BERT, CLIP]:
        network = MedCLIPSeg(published_style(VIT, text)).eval()
        token_ids = torch.randint(1, 49, (2, 12))
        token_ids[0, 8:] = 0
        token_ids[:, 7] = 49  # end of text, the highest number
        for adapter in network.pvl_adapters:
            adapter.proj_txt_up.weight.data.zero_()
            adapter.proj_vis_up.weight.data.zero_()
        with torch.inference_mode():
            output = network(torch.randn(2, 3, 32, 32), token_ids, SeededNoise(0, ROWS))
            own = network.text_model(token_ids)
        assert torch.allclose(output.text, own, atol=1e-5)


def test_without_adapters_the_image_tower_is_open_clips_own() -> None:
    network = MedCLIPSeg(published_style(VIT, BERT)).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        tokens, _ = network.vision_model.embed(images)
        for index in range(4):
            tokens = network.vision_model.block(index, tokens)
        own = network.vision_model.forward_intermediates(images, output_fmt="NLC", normalize_intermediates=True)
        wanted = own["image_intermediates"][-1] @ network.vision_model.proj
        projected = network.vision_model.project(tokens)
    assert torch.allclose(projected, wanted, atol=1e-5)


def test_without_adapters_the_timm_trunk_is_timms_own(a_config: ModelConfig) -> None:
    network = MedCLIPSeg(a_config).eval()
    images = torch.randn(2, 3, 48, 48)  # another size than the configured one
    with torch.inference_mode():
        tokens, skips = network.vision_model.embed(images)
        for index in range(a_config.image.layers):
            tokens = network.vision_model.block(index, tokens)
        own = network.vision_model.head(network.vision_model.trunk.forward_features(images)[:, 1:])
        projected = network.vision_model.project(tokens)
    assert torch.allclose(projected, own, atol=1e-5)
    assert [tuple(s.shape[1:]) for s in skips] == [(8, 12, 12), (16, 6, 6)]


def test_the_lite_stem_is_timms_own_and_keeps_its_statistics(a_config: ModelConfig) -> None:
    image = dataclasses.replace(a_config.image, stem="efficientnet_lite0", stem_channels=LITE_CHANNELS)
    network = MedCLIPSeg(dataclasses.replace(a_config, image=image)).train()
    stem = network.vision_model.trunk.patch_embed.backbone
    own = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=LITE_LEVELS)
    own.load_state_dict(own.state_dict() | stem.state_dict())
    images = torch.randn(2, 3, 64, 96)
    before = {name: tensor.clone() for name, tensor in stem.state_dict().items()}
    with torch.no_grad():
        _, skips = network.vision_model.embed(images)
        wanted = own.eval()(images)
    assert [tuple(features.shape[1:]) for features in wanted] == [(24, 16, 24), (40, 8, 12), (112, 4, 6)]
    assert all(torch.allclose(ours, theirs) for ours, theirs in zip(skips, wanted, strict=False))
    assert all(torch.equal(tensor, before[name]) for name, tensor in stem.state_dict().items())
    trained = {name.split(".")[1] for name, p in stem.named_parameters() if p.requires_grad}
    assert trained == {"2", "3", "4"}


def test_the_lite_stem_has_its_own_channels(a_config: ModelConfig) -> None:
    with pytest.raises(MedCLIPSegError, match="stem_channels"):
        dataclasses.replace(a_config.image, stem="efficientnet_lite0")


def test_padding_does_not_matter_when_it_is_masked(a_config: ModelConfig) -> None:
    network = MedCLIPSeg(a_config).eval()
    images, short = torch.randn(1, 3, 32, 32), torch.tensor([[2, 7, 9, 3]])
    padded = torch.cat([short, torch.zeros(1, 6, dtype=torch.int64)], dim=1)
    with torch.inference_mode():
        outputs = [network(images, ids, SeededNoise(1, [(4, 2)])).logits for ids in (short, padded)]
    assert torch.allclose(*outputs, atol=1e-5)


def test_padding_matters_when_it_is_shown(a_config: ModelConfig) -> None:
    config = dataclasses.replace(a_config, adapter=dataclasses.replace(a_config.adapter, mask_padding=False))
    network = MedCLIPSeg(config).eval()
    images, short = torch.randn(1, 3, 32, 32), torch.tensor([[2, 7, 9, 3]])
    padded = torch.cat([short, torch.zeros(1, 6, dtype=torch.int64)], dim=1)
    with torch.inference_mode():
        outputs = [network(images, ids, SeededNoise(1, [(4, 2)])).logits for ids in (short, padded)]
    assert not torch.allclose(*outputs, atol=1e-4)


def test_the_shared_part_gives_the_same_as_the_whole(a_config: ModelConfig) -> None:
    network = MedCLIPSeg(a_config).eval()
    images, ids = torch.randn(1, 3, 32, 32), torch.tensor([[2, 7, 9, 3]])
    rows = [(0, sample) for sample in range(3)]
    with torch.inference_mode():
        pair = network.meet(network.encode_images(images), network.encode_text(ids))
        shared = network.decode(join_pairs([pair], [3]), SeededNoise(0, rows))
        whole = network(images.repeat(3, 1, 1, 1), ids.repeat(3, 1), SeededNoise(0, rows))
    assert torch.allclose(shared.logits, whole.logits, atol=1e-5)


def test_skip_head_needs_a_stem() -> None:
    with pytest.raises(MedCLIPSegError, match="stem_channels"):
        ModelConfig("test", 16, TIMM, BERT, AdapterConfig(8, (1,)), HeadConfig("skip", (8, 8)))
