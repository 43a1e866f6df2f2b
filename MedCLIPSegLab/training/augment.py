"""Random changes of an image that keep its prompt true."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data import prompt_words
from .data import TrainingItem

MAX_ROTATION = 20.0
"""Degrees; the published range."""


def augment(
    item: TrainingItem, text: str, mask: NDArray[np.uint8], size: int, rng: np.random.Generator, relative: bool = False
) -> tuple[NDArray[np.uint8], str, NDArray[np.uint8]]:
    """One augmented example.

    A flip swaps the words of side in the prompt; zoom, shift and loss of color drop the words they make untrue.

    Args:
        item: the image and what it is.
        text: its prompt.
        mask: (S, S), 0 and 1, or small labels.
        size: side of the result.
        rng: the only source of chance.
        relative: the prompt compares findings of the image ("the left one"), which zoom and shift leave true.

    Returns:
        (size, size, 3) uint8 image, prompt, (size, size) uint8 mask.
    """
    flip_x = item.is_picture and rng.random() < 0.5
    flip_y = item.is_picture and item.is_color and rng.random() < 0.5
    text = prompt_words.swap_words(text, horizontal=flip_x, vertical=flip_y)
    zoom = float(np.exp(rng.uniform(np.log(0.83), np.log(1.33))))
    shift = rng.uniform(-0.06, 0.06, 2)
    if not 0.93 < zoom < 1.07 and not relative:
        text = prompt_words.drop_size(text)
    if np.abs(shift).max() > 0.05 and not relative:
        text = prompt_words.drop_location(text)
    matrix = _affine(item.image.shape[0], size, zoom, shift, flip_x, flip_y, rng)
    image, warped = _warp(item, mask, matrix, size)
    if item.is_color and rng.random() < 0.1:
        gray = np.rint(image.mean(axis=2, keepdims=True)).astype(np.uint8)
        image, text = np.repeat(gray, 3, axis=2), prompt_words.drop_color(text)
    return _change_tones(image, item.is_color, rng), text, warped


def rotate(
    item: TrainingItem, mask: NDArray[np.uint8], size: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The published augmentation: with probability 1/2 a rotation by whole degrees; the prompt stays as it is.

    Returns:
        (size, size, 3) uint8 image, (size, size) uint8 mask.
    """
    angle = float(rng.integers(-int(MAX_ROTATION), int(MAX_ROTATION), endpoint=True)) if rng.random() < 0.5 else 0.0
    center = (item.image.shape[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D((center, center), angle, 1.0)
    matrix = np.vstack([matrix, [0, 0, 1]])
    scale = size / item.image.shape[0]
    # Pixel centers stay pixel centers.
    resize = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])
    return _warp(item, mask, (resize @ matrix)[:2], size)


def _warp(
    item: TrainingItem, mask: NDArray[np.uint8], matrix: NDArray[Any], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image = cv2.warpAffine(item.image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    warped = cv2.warpAffine(mask, matrix, (size, size), flags=cv2.INTER_NEAREST)
    return np.asarray(image, np.uint8), np.asarray(warped, np.uint8)


def _affine(
    source: int,
    size: int,
    zoom: float,
    shift: NDArray[np.float64],
    flip_x: bool,
    flip_y: bool,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Matrix from source pixels to result pixels, both squares, about their centers."""
    angle = np.deg2rad(rng.uniform(-MAX_ROTATION, MAX_ROTATION)) if rng.random() < 0.7 else 0.0
    aspect = np.exp(rng.uniform(-0.12, 0.12) / 2)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flip = np.diag([-1.0 if flip_x else 1.0, -1.0 if flip_y else 1.0])
    linear = rotation @ np.diag([aspect, 1 / aspect]) @ flip * (zoom * size / source)
    center = (size - 1) / 2 + shift * size - linear @ np.full(2, (source - 1) / 2)
    return np.hstack([linear, center[:, None]])


def _change_tones(image: NDArray[np.uint8], is_color: bool, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another gamma, contrast, brightness and, in color, gains, by one table; sometimes noise."""
    tones = 255 * (np.arange(256) / 255) ** float(np.exp(rng.uniform(-0.35, 0.35)))
    tones = (tones - 127.5) * rng.uniform(0.75, 1.25) + 127.5 + rng.uniform(-25, 25)
    table = np.repeat(tones[:, None], 3, axis=1)
    if is_color:
        table = table * rng.uniform(0.9, 1.1, 3)
    changed = cv2.LUT(image, np.clip(np.rint(table), 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(2, 10), (*image.shape[:2], 3 if is_color else 1))
        changed = np.clip(np.rint(changed + noise), 0, 255)
    return np.asarray(changed, np.uint8)
