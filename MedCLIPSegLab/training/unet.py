"""A U-Net without text from MONAI, the baseline every gain of a text-prompted model is shown beside."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from monai.networks.nets.unet import UNet
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from MedCLIPSegLogic.inference.preprocess import place, prepare_slice
from MedCLIPSegLogic.model.catalog import CONFIG_FILE, WEIGHTS_FILE
from MedCLIPSegLogic.model.config import PreprocessingConfig
from MedCLIPSegLogic.model.network import NetworkOutput
from MedCLIPSegLogic.model.noise import FreshNoise, NoiseSource
from MedCLIPSegLogic.model.typed_json import dataclass_from_json

from .settings import LossWeights, TrainingSettings


@dataclass(frozen=True)
class UNetConfig:
    """A residual U-Net.

    Args:
        image_size: side of the model input.
        channels: of each level, from fine to coarse; every level halves the resolution.
        preprocessing: how images become model input.
    """

    image_size: int
    channels: tuple[int, ...] = (16, 32, 64, 128, 256)
    preprocessing: PreprocessingConfig = field(default_factory=lambda: PreprocessingConfig("rgb", antialias=True))

    def to_json(self) -> str:
        """The configuration as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> UNetConfig:
        """Read what :meth:`to_json` wrote."""
        return cast(UNetConfig, dataclass_from_json(cls, json.loads(text)))


class TextFreeUNet(nn.Module):
    """MONAI's U-Net behind the interface of :class:`MedCLIPSeg`, deaf to text and noise.

    Args:
        config: of the network.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        strides = (2,) * (len(config.channels) - 1)
        self.unet = UNet(2, 3, 1, config.channels, strides, num_res_units=2, norm="batch")

    def forward(self, images: Tensor, token_ids: Tensor, noise: NoiseSource) -> NetworkOutput:
        """Logits (B, H, W) of images (B, 3, H, W); patches and text are empty."""
        empty = images.new_zeros(len(images), 0)
        return NetworkOutput(self.unet(images)[:, 0], empty, empty)


def no_tokens(prompts: Sequence[str]) -> Tensor:
    """Token ids (B, 0) for a network that reads no text."""
    return torch.zeros(len(prompts), 0, dtype=torch.int64)


def load_unet(folder: Path) -> TextFreeUNet:
    """A trained network in evaluation mode.

    Args:
        folder: with its configuration and weights.
    """
    network = TextFreeUNet(UNetConfig.from_json((folder / CONFIG_FILE).read_text(encoding="utf-8")))
    tensors = load_file(folder / WEIGHTS_FILE)
    network.load_state_dict({n: t.float() if t.is_floating_point() else t for n, t in tensors.items()})
    return network.eval()


@torch.inference_mode()
def slice_probability(network: TextFreeUNet, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probability (H, W), 0…1, of an 8-bit slice (H, W) or (H, W, 3) on its own grid."""
    config = network.config
    height, width = pixels.shape[:2]
    placement = place((height, width), (1.0, 1.0), config.image_size, config.preprocessing)
    device = next(network.parameters()).device
    inputs = prepare_slice(pixels, placement, config.preprocessing)[None].to(device)
    logits = network(inputs, no_tokens([""]), FreshNoise()).logits
    return placement.restore(logits.sigmoid())[0].cpu().numpy()


def baseline_settings(settings: TrainingSettings) -> TrainingSettings:
    """The same run for a network without text: data, changes of the picture and optimizer stay."""
    return dataclasses.replace(
        settings,
        prompts="as-given",
        styles=None,
        composition=None,
        negative_share=0.0,
        freeze_towers=False,
        loss=LossWeights(settings.loss.dice, settings.loss.cross_entropy, contrast=0.0),
    )
