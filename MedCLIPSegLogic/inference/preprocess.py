"""Which 8-bit slices show anything, how they become model input, and model maps back to the slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..model.config import ImageTowerConfig, PreprocessingConfig


@dataclass(frozen=True)
class Placement:
    """Where a slice lies inside the square model input.

    Args:
        slice_size: (H, W) of the slice in pixels.
        input_size: side S of the model input.
        top, left, height, width: the part of the input the slice fills.
    """

    slice_size: tuple[int, int]
    input_size: int
    top: int
    left: int
    height: int
    width: int

    def restore(self, maps: Tensor) -> Tensor:
        """Resample maps (B, S, S) bilinearly to the slice's own grid (B, H, W)."""
        part = self._filled(maps)[:, None]
        return functional.interpolate(part, size=self.slice_size, mode="bilinear", align_corners=False)[:, 0]

    def sizes(self, masks: Tensor) -> Tensor:
        """Sizes (B,) of masks (B, S, S) in pixels of the slice, without what lies beside it."""
        shares = self._filled(masks).double().mean(dim=(1, 2))
        return shares * (self.slice_size[0] * self.slice_size[1])

    def _filled(self, maps: Tensor) -> Tensor:
        """The part of maps (B, S, S) that the slice fills."""
        return maps[:, self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True, eq=False)
class PreparedSlice:
    """A slice ready for the model.

    Args:
        index: along the slice axis.
        number: its turn in the run, from 1.
        placement: where it lies in the input.
        image: (3, S, S) float32.
    """

    index: int
    number: int
    placement: Placement
    image: Tensor


def input_side(config: ImageTowerConfig, scale: float) -> int:
    """Side of the model input times ``scale``, in whole patches; as it is where the tower takes no other."""
    if config.kind != "timm":
        return config.image_size
    return max(1, round(scale * config.image_size / config.patch_size)) * config.patch_size


def place(
    slice_size: tuple[int, int], pixel_spacing: tuple[float, float], input_size: int, config: PreprocessingConfig
) -> Placement:
    """Decide where a slice goes.

    Args:
        slice_size: (H, W) in pixels.
        pixel_spacing: (row, column) size of a pixel in mm; "letterbox" keeps the physical aspect ratio.
        input_size: side of the model input.
        config: how the model wants its input.
    """
    if config.fit == "stretch":
        return Placement(slice_size, input_size, 0, 0, input_size, input_size)
    extent = (slice_size[0] * pixel_spacing[0], slice_size[1] * pixel_spacing[1])
    height, width = (max(1, round(input_size * side / max(extent))) for side in extent)
    return Placement(slice_size, input_size, (input_size - height) // 2, (input_size - width) // 2, height, width)


def prepare_slice(pixels: NDArray[np.uint8], placement: Placement, config: PreprocessingConfig) -> Tensor:
    """Model input (3, S, S) float32 of one slice (medclipseg: resize, ÷255, mean and deviation per channel).

    Args:
        pixels: (H, W) grey or (H, W, 3) in R, G, B order; grey is repeated to three channels.
        placement: from :func:`place`.
        config: how the model wants its input.
    """
    color = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    if config.channel_order == "bgr":
        color = np.ascontiguousarray(color[..., ::-1])
    if config.antialias:
        resized = _tensor(color)[None].float()
        size = (placement.height, placement.width)
        resized = functional.interpolate(resized, size=size, mode="bilinear", align_corners=False, antialias=True)[0]
    else:
        # OpenCV's fixed-point sampling is part of what the published weights were trained on.
        resized = _tensor(cv2.resize(color, (placement.width, placement.height), interpolation=cv2.INTER_LINEAR))
    scaled = normalize(resized, config)
    right = placement.input_size - placement.left - placement.width
    bottom = placement.input_size - placement.top - placement.height
    return functional.pad(scaled, (placement.left, right, placement.top, bottom))


def normalize(images: Tensor, config: PreprocessingConfig) -> Tensor:
    """Divide values 0…255 (…, 3, H, W), channels in the order of ``config``, by 255 and standardize each channel."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (config.mean, config.std))
    return (images / 255 - mean) / std


def _tensor(color: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(color)).permute(2, 0, 1)


BLOCK = 16
"""Side of the squares in pixels over which noise is averaged away."""
BLOCK_LEVELS = 2
"""Grey levels by which the averages of a slice without content may differ."""
NOISE_LEVELS = 32
"""Grey levels by which single pixels of a slice without content may differ."""


def has_content(pixels: NDArray[np.uint8]) -> bool:
    """False for a slice that is flat but for noise, such as air beside the patient or padding.

    Flat means that no two averages over squares of 16 × 16 pixels differ by more than 2 of the 255 grey levels the
    model sees, and no two pixels by more than 32. A constant slice has no content.

    Args:
        pixels: (H, W) grey or (H, W, 3) color slice, as the model sees it.
    """
    if int(pixels.max()) - int(pixels.min()) > NOISE_LEVELS:
        return True
    size = tuple(max(1, side // BLOCK) for side in pixels.shape[1::-1])
    averages = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    spread = np.ptp(averages.reshape(-1, pixels[0, 0].size), axis=0)
    return bool(spread.max() > BLOCK_LEVELS)
