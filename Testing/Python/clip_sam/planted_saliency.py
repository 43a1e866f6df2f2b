"""Saliency whose answer is known: what it should find is given."""

from __future__ import annotations

from collections.abc import Callable, Generator

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.clip_sam.chain import Saliency


def blurred(mask: NDArray[np.bool_], deviation: float = 4.0) -> NDArray[np.float32]:
    """A mask as a smooth map in 0…1; unblurred at 0."""
    values = mask.astype(np.float32)
    if deviation:
        values = cv2.GaussianBlur(values, (0, 0), deviation)
    return values / max(float(values.max()), 1e-9)


def planted(maps: dict[str, NDArray[np.float32]]) -> Saliency:
    """The same map in every slice, by prompt; in three steps."""

    def steps(image: NDArray[np.uint8], prompt: str) -> Generator[None, None, NDArray[np.float32]]:
        for _ in range(3):
            yield
        return maps[prompt]

    return steps


def in_one_step(saliency: Callable[[NDArray[np.uint8], str], NDArray[np.float32]]) -> Saliency:
    """A function that makes a map at once, as a run takes it."""

    def steps(image: NDArray[np.uint8], prompt: str) -> Generator[None, None, NDArray[np.float32]]:
        result = saliency(image, prompt)
        yield
        return result

    return steps


def brightness(image: NDArray[np.uint8], prompt: str) -> NDArray[np.float32]:
    """Bright places of a slice, whatever the prompt."""
    return blurred(np.zeros(image.shape[:2], np.bool_)) if prompt == "nothing" else image.mean(axis=2) / np.float32(255)
