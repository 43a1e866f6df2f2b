"""The four CLIP flavors MedCLIPSeg was published with, each at its true size."""

from __future__ import annotations

from typing import Literal

from .config import AdapterConfig, ImageTowerConfig, ModelConfig, TextTowerConfig

ADAPTERS = AdapterConfig(width=256, fusion_layers=tuple(range(1, 11)))
"""Ten adapters of 256 channels before the layers 1 to 10, as published."""
JOINT_WIDTH = 512
BERT = TextTowerConfig("bert", context_length=256, vocab_size=30_522, width=768, layers=12, heads=12, max_positions=512)
"""BiomedBERT (BiomedNLP-BiomedBERT-base-uncased-abstract), also known as PubMedBERT."""
CLIP_TEXT = TextTowerConfig(
    "clip", context_length=77, vocab_size=49_408, width=512, layers=12, heads=8, causal=True, activation="quick_gelu"
)


def _image(kind: Literal["vit", "timm"], patch_size: int) -> ImageTowerConfig:
    activation: Literal["gelu", "quick_gelu"] = "quick_gelu" if kind == "vit" else "gelu"
    return ImageTowerConfig(kind, 224, patch_size, width=768, layers=12, heads=12, activation=activation)


FLAVORS = {
    name: ModelConfig(name, JOINT_WIDTH, image, text, ADAPTERS, tokenizer="wordpiece" if text is BERT else "clip")
    for name, image, text in (
        ("unimedclip", _image("vit", 16), BERT),
        ("biomedclip", _image("timm", 16), BERT),
        ("clip", _image("vit", 16), CLIP_TEXT),
        ("pubmedclip", _image("vit", 32), CLIP_TEXT),
    )
}
"""Configurations by name: UniMed-CLIP ViT-B/16, BiomedCLIP, OpenAI CLIP ViT-B/16 and PubMedCLIP ViT-B/32."""
