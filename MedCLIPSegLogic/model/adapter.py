"""Probabilistic vision-language adapter: both streams, narrowed, look at each other."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from .attention import AttentionState, ProbabilisticCrossAttention
from .config import AdapterConfig
from .noise import NoiseSource


@dataclass(frozen=True, eq=False)
class AdapterState:
    """An adapter before its noise: the image's look at the text, and the narrowed text tokens (B, Tt, C)."""

    image: AttentionState
    text: Tensor


class TwoWayAttention(nn.Module):
    """The image queries the text, then the text queries the updated image."""

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.cross_attn_img_to_txt = ProbabilisticCrossAttention(config.width, config.beta, config.gate_init)
        self.cross_attn_txt_to_img = ProbabilisticCrossAttention(config.width, config.beta, config.gate_init)

    def look(self, image: Tensor, text: Tensor, padding: Tensor | None) -> AdapterState:
        return AdapterState(self.cross_attn_img_to_txt.look(image, text, padding), text)

    def sample(self, state: AdapterState, index: int, noise: NoiseSource) -> tuple[Tensor, Tensor]:
        image = self.cross_attn_img_to_txt.sample(state.image, lambda values: noise(index, "image_from_text", values))
        text = self.cross_attn_txt_to_img(state.text, image, lambda values: noise(index, "text_from_image", values))
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

    def look(self, image: Tensor, text: Tensor, padding: Tensor | None) -> AdapterState:
        """Everything that needs no noise.

        Args:
            image, text: tokens (B, Ti, Wi) and (B, Tt, Wt).
            padding: (B, Tt), True for text tokens the image must not look at; None to show them all.
        """
        return self.two_way.look(self.proj_vis_down(image), self.proj_txt_down(text), padding)

    def sample(self, state: AdapterState, index: int, noise: NoiseSource) -> tuple[Tensor, Tensor]:
        """Residuals for the image tokens (B, Ti, Wi) and the text tokens (B, Tt, Wt).

        Args:
            state: from :meth:`look`.
            index: number of this adapter, handed to ``noise``.
            noise: source of ε.
        """
        image, text = self.two_way.sample(state, index, noise)
        return self.proj_vis_up(image), self.proj_txt_up(text)

    def forward(
        self, image: Tensor, text: Tensor, padding: Tensor | None, index: int, noise: NoiseSource
    ) -> tuple[Tensor, Tensor]:
        """Look and sample at once."""
        return self.sample(self.look(image, text, padding), index, noise)
