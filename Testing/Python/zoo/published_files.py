"""Small files laid out like the published ones: checkpoints, CLIP backbones, a vocabulary."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from MedCLIPSegLogic.model.config import AdapterConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import SeededNoise
from MedCLIPSegLogic.model.tokenizer import SPECIAL_TOKENS

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = [*SPECIAL_TOKENS, *LETTERS, *(f"##{c}" for c in LETTERS), "tumor", "\x85", "\u2028"]
BERT = TextTowerConfig("bert", 12, len(WORDS), 16, 3, 2, max_positions=20)
CLIP = TextTowerConfig("clip", 77, 49_408, 16, 3, 2, causal=True, activation="quick_gelu")
ADAPTERS = AdapterConfig(8, (1, 2))
SMALL = {
    config.flavor: config
    for config in (
        ModelConfig(
            "unimedclip", 16, ImageTowerConfig("vit", 32, 16, 24, 3, 2, activation="quick_gelu"), BERT, ADAPTERS
        ),
        ModelConfig("biomedclip", 16, ImageTowerConfig("timm", 32, 16, 24, 3, 2), BERT, ADAPTERS),
        ModelConfig(
            "clip",
            16,
            ImageTowerConfig("vit", 32, 16, 24, 3, 2, activation="quick_gelu"),
            CLIP,
            ADAPTERS,
            tokenizer="clip",
        ),
        ModelConfig(
            "pubmedclip",
            16,
            ImageTowerConfig("vit", 64, 32, 24, 3, 2, activation="quick_gelu"),
            CLIP,
            ADAPTERS,
            tokenizer="clip",
        ),
    )
}
"""The four flavors, far smaller."""


def small_network(flavor: str, seed: int = 0) -> MedCLIPSeg:
    """A random network of a small flavor."""
    torch.manual_seed(seed)
    return MedCLIPSeg(SMALL[flavor]).eval()


def save_published(network: MedCLIPSeg, path: Path, **extra: object) -> Path:
    """Write what the published training code writes, its optimizer and scheduler included."""
    weight = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.Adam([weight], lr=3e-4)
    weight.sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100, eta_min=1e-4)
    content = {
        "model": network.state_dict(),
        "epoch": 99,
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "best_loss": float("inf"),
    }
    torch.save({**content, **extra}, path)
    return path


def open_clip_layout(network: MedCLIPSeg, text: str = "text.") -> dict[str, Tensor]:
    """The towers of a network as open_clip's ``CustomTextCLIP`` names them; ``text_encoder.`` is UniMed-CLIP's name."""
    names = {"vision_model.": "visual.", "text_model.": text, "logit_scale": "logit_scale"}
    return {
        theirs + name.removeprefix(ours): tensor
        for name, tensor in network.state_dict().items()
        for ours, theirs in names.items()
        if name.startswith(ours)
    }


def openai_layout(network: MedCLIPSeg) -> dict[str, Tensor]:
    """The towers as OpenAI's CLIP names them, with the sizes its files hold beside the weights."""
    sizes = {"input_resolution": torch.tensor(32), "context_length": torch.tensor(77), "vocab_size": torch.tensor(1)}
    return open_clip_layout(network, text="") | sizes


def write_vocabulary(folder: Path) -> Path:
    """``vocab.txt`` of the small BERT flavors; two of its entries are what Python takes for line ends."""
    path = folder / "vocab.txt"
    path.write_text("".join(word + "\n" for word in WORDS), encoding="utf-8", newline="")
    return path


@torch.inference_mode()
def logits(network: MedCLIPSeg) -> Tensor:
    """Output for fixed images, tokens and noise."""
    config = network.config
    generator = torch.Generator().manual_seed(1)
    size = config.image.image_size
    images = torch.randn(1, 3, size, size, generator=generator)
    ids = torch.randint(5, config.text.vocab_size, (1, config.text.context_length), generator=generator)
    return network(images, ids, SeededNoise(0, [(0, 0)])).logits
