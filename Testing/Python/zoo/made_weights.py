"""Weights, words and an image of true size that any program can make again, so that runs can be compared by numbers."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from MedCLIPSegLogic.model.tokenizer import SPECIAL_TOKENS

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PROMPT = "tumor in the upper left breast lesion 12 mm"
SEED = 7
SAMPLES = 3
HEAD_BIAS = "mask_head.4.bias"
"""Moved in such a way that about half of the image is inside."""


def made_words() -> list[str]:
    """A vocabulary of BiomedBERT's size."""
    words = [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *PROMPT.split()[:-2]]
    return [*words, *(f"w{number}" for number in range(30_522 - len(words)))]


def made_weight(name: str, shape: tuple[int, ...]) -> Tensor:
    """A weight that depends on its name and shape alone; the gains of norms lie around 1."""
    generator = np.random.Generator(np.random.Philox(key=zlib.crc32(name.encode())))
    spread = 0.06 if name.startswith(("mask_head", "upscale")) else 0.03
    values = torch.from_numpy(generator.standard_normal((*shape, 1), np.float32)[..., 0]) * spread
    return values + 1 if name.endswith("weight") and len(shape) == 1 else values


def made_image() -> NDArray[np.uint8]:
    """Red, green and blue (224, 224, 3): squares of 16 pixels, each of one color."""
    squares = np.random.Generator(np.random.Philox(key=1)).integers(0, 256, (14, 14, 3), np.uint8)
    return np.repeat(np.repeat(squares, 16, axis=0), 16, axis=1)
