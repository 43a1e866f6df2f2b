"""Probabilistic vision-language adapter: both streams, narrowed, look at each other."""

from __future__ import annotations

from torch import Tensor, nn

from .attention import ProbabilisticCrossAttention
from .config import AdapterConfig
from .noise import NoiseSource


class TwoWayAttention(nn.Module):
    """The image queries the text, then the text queries the updated image."""

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.cross_attn_img_to_txt = ProbabilisticCrossAttention(config.width, config.beta, config.gate_init)
        self.cross_attn_txt_to_img = ProbabilisticCrossAttention(config.width, config.beta, config.gate_init)

    def forward(
        self, image: Tensor, text: Tensor, padding: Tensor | None, index: int, noise: NoiseSource
    ) -> tuple[Tensor, Tensor]:
        image = self.cross_attn_img_to_txt(image, text, lambda values: noise(index, "image_from_text", values), padding)
        text = self.cross_attn_txt_to_img(text, image, lambda values: noise(index, "text_from_image", values))
        return image, text


class PVLAdapter(nn.Module):
    """Residual that an adapter adds to both token streams.

    Args:
        image_width, text_width: channels of the two towers.
        config: adapter sizes.
    """

    def __init__(self, image_width: int, text_width: int, config: AdapterConfig) -> None:
        super().__init__()
        # The published checkpoints keep the down-projection of the image in a Sequential.
        self.proj_vis_down = nn.Sequential(nn.Linear(image_width, config.width, bias=False))
        self.proj_txt_down = nn.Linear(text_width, config.width, bias=False)
        self.proj_vis_up = nn.Linear(config.width, image_width, bias=False)
        self.proj_txt_up = nn.Linear(config.width, text_width, bias=False)
        self.two_way = TwoWayAttention(config)
        if config.up_init_std is not None:
            nn.init.normal_(self.proj_vis_up.weight, std=config.up_init_std)
            nn.init.normal_(self.proj_txt_up.weight, std=config.up_init_std)

    def forward(
        self, image: Tensor, text: Tensor, padding: Tensor | None, index: int, noise: NoiseSource
    ) -> tuple[Tensor, Tensor]:
        """Residuals for the image tokens (B, Ti, Wi) and the text tokens (B, Tt, Wt).

        Args:
            padding: (B, Tt), True for text tokens the image must not look at; None to show them all.
            index: number of this adapter, handed to ``noise``.
            noise: source of ε.
        """
        image, text = self.two_way(self.proj_vis_down(image), self.proj_txt_down(text), padding, index, noise)
        return self.proj_vis_up(image), self.proj_txt_up(text)
