"""Blocks that double the resolution of the patch grid before the mask is read off."""

from __future__ import annotations

from timm.layers import LayerNorm2d
from torch import Tensor, nn
from torch.nn import functional


class UpscaleBlock(nn.Module):
    """The published block: transposed 2×2 convolution, GELU, depth-wise 3×3 convolution, channel LayerNorm.

    Args:
        channels: channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.ConvTranspose2d(channels, channels, kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, groups=channels, bias=False)
        self.norm = LayerNorm2d(channels, eps=1e-6)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, 2h, 2w)."""
        return self.norm(self.conv2(functional.gelu(self.conv1(features))))


class SkipUpscaleBlock(nn.Module):
    """Transposed convolution joined by a finer feature map of the convolutional stem, then a residual pair.

    Args:
        channels_in: channels of the coarse map.
        skip_channels: channels of the stem's map at twice the resolution.
        channels_out: channels after the block.
    """

    def __init__(self, channels_in: int, skip_channels: int, channels_out: int) -> None:
        super().__init__()
        # Each branch is normalized on its own: unit-length patch vectors would drown beside the stem's features.
        self.upsample = nn.Sequential(
            nn.ConvTranspose2d(channels_in, channels_out, kernel_size=2, stride=2, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.skip = nn.Sequential(
            nn.Conv2d(skip_channels, channels_out, kernel_size=1, bias=False), nn.BatchNorm2d(channels_out)
        )
        self.residual = nn.Sequential(
            nn.Conv2d(channels_out, channels_out, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.GELU(),
            nn.Conv2d(channels_out, channels_out, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """(B, Cin, h, w) and what ``self.skip`` makes of the stem's map, (B, Cout, 2h, 2w), to (B, Cout, 2h, 2w)."""
        joined = functional.gelu(self.upsample(features) + skip)
        return functional.gelu(joined + self.residual(joined))
