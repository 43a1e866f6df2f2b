"""The shared, trimmed and fused passes give what the published way of sampling gives for the same noise."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from golden_files import build_published, read_golden, replay_noise

from MedCLIPSegLab.speed.measured import UNIMEDCLIP
from MedCLIPSegLab.speed.published_loop import published_pass, published_samples
from MedCLIPSegLogic.model.config import AdapterConfig, HeadConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import SeededNoise
from MedCLIPSegLogic.model.states import join_pairs

VIT = ImageTowerConfig("vit", 32, 16, 24, 4, 2, activation="quick_gelu")
TIMM = ImageTowerConfig("timm", 32, 16, 24, 4, 2)
STEM = ImageTowerConfig("timm", 32, 16, 24, 4, 2, stem_channels=(8, 8, 16, 24))
BERT = TextTowerConfig("bert", 12, 50, 16, 4, 2, max_positions=20)
CAUSAL = TextTowerConfig("clip", 12, 50, 16, 4, 2, causal=True)
BOTH_WAYS = TextTowerConfig("clip", 12, 50, 16, 4, 2)
PROMPT = torch.tensor([[2, 7, 9, 11, 49]])


def padded(ids: torch.Tensor, length: int = 12) -> torch.Tensor:
    return torch.nn.functional.pad(ids, (0, length - ids.shape[1]))


@pytest.mark.parametrize("image", [VIT, TIMM, STEM], ids=["vit", "timm", "stem"])
def test_every_tower_gives_what_the_loop_gives(image: ImageTowerConfig) -> None:
    for text, layers, mask_padding in itertools.product((BERT, CAUSAL, BOTH_WAYS), ((1, 2), (0, 3)), (False, True)):
        check_tower(image, text, layers, mask_padding)


def check_tower(image: ImageTowerConfig, text: TextTowerConfig, layers: tuple[int, ...], mask_padding: bool) -> None:
    torch.manual_seed(0)
    head = HeadConfig("skip", (12, 8)) if image.stem_channels else HeadConfig()
    network = MedCLIPSeg(
        ModelConfig("test", 16, image, text, AdapterConfig(8, layers, mask_padding=mask_padding), head)
    ).eval()
    images, ids = torch.randn(1, 3, 32, 32), padded(PROMPT)
    loop = list(published_samples(network, images, ids, lambda s: SeededNoise(5, [(1, s)]), 3))
    with torch.inference_mode():
        pair = network.meet(network.encode_images(images), network.encode_text(ids))
        logits = network.decode(join_pairs([pair], [3]), SeededNoise(5, [(1, s) for s in range(3)])).logits
    assert (logits[0] - logits[1]).abs().max() > 1e-4
    assert torch.allclose(logits, torch.cat(loop), atol=1e-5)


def test_prompts_of_several_lengths_in_one_batch(a_config: ModelConfig) -> None:
    network = MedCLIPSeg(a_config).eval()
    images = torch.randn(2, 3, 32, 32)
    ids = torch.cat([padded(PROMPT, 9), torch.tensor([[2, 8, 3, 0, 0, 0, 0, 0, 0]])]).clamp_max(30)
    noise = SeededNoise(5, [(1, 0), (1, 1)])
    with torch.inference_mode():
        assert torch.allclose(
            network(images, ids, noise).logits, published_pass(network, images, ids, noise), atol=1e-5
        )


def test_several_images_in_one_batch(a_config: ModelConfig) -> None:
    network = MedCLIPSeg(a_config).eval()
    images, ids = torch.randn(2, 3, 32, 32), torch.tensor([[2, 7, 9, 3]])
    rows = [(0, 0), (0, 1), (1, 0)]
    with torch.inference_mode():
        text, both = network.encode_text(ids), network.encode_images(images)
        pairs = [network.meet(both.row(number), text) for number in range(2)]
        together = network.decode(join_pairs(pairs, [2, 1]), SeededNoise(0, rows)).logits
        loop = [published_pass(network, images[i : i + 1], ids, SeededNoise(0, [(i, s)])) for i, s in rows]
    assert torch.allclose(together, torch.cat(loop), atol=1e-5)


@pytest.mark.slow
def test_the_published_size_gives_what_the_loop_gives() -> None:
    torch.manual_seed(0)
    network = MedCLIPSeg(UNIMEDCLIP).eval()
    images, ids = torch.randn(1, 3, 224, 224), padded(torch.randint(5, 30522, (1, 14)), 256)
    with torch.inference_mode():
        pair = network.meet(network.encode_images(images), network.encode_text(ids))
        logits = network.decode(pair, SeededNoise(0, [(3, 1)])).logits
        wanted = published_pass(network, images, ids, SeededNoise(0, [(3, 1)]))
    assert logits.std() > 0.1
    assert (logits - wanted).abs().max() < 1e-4


def test_the_loop_is_the_published_network(golden_folder: Path) -> None:
    tensors, metadata = read_golden(golden_folder / "tiny_unimedclip.safetensors")
    network = build_published(tensors, metadata)
    with torch.inference_mode():
        for sample, wanted in enumerate(tensors["sample_logits"]):
            noise = replay_noise(tensors, f"noise.sample{sample}.")
            logits = published_pass(network, tensors["image"], tensors["token_ids"], noise)
            assert torch.allclose(logits, wanted, atol=1e-5)
