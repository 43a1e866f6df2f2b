"""Images that stand in two splits, as they are or nearly so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.volumes.volume import Volume

from .checking import CheckedImage, Finding

THUMBNAIL = 32
NEAR_IDENTICAL = 0.996
"""Correlation of two thumbnails above which they show the same picture: resized, brightened or compressed anew."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Enough of an image to know it again.

    Args:
        path, split: of the image.
        content: hash of its voxels.
        thumbnail: (3072,) float32 of zero mean and unit length: the middle slices along K, J and I, 32 × 32 each; a
            picture has one, thrice. Zero for images of one value.
    """

    path: Path
    split: str
    content: str
    thumbnail: NDArray[np.float32]


def fingerprint(image: CheckedImage) -> Fingerprint:
    """Take the fingerprint of an image."""
    return Fingerprint(image.path, image.split, image.volume.content_hash, _thumbnail(image.volume))


def find_leaks(fingerprints: list[Fingerprint]) -> Iterator[Finding]:
    """Find images of one split that are identical or nearly identical to one of another.

    Args:
        fingerprints: of all images, of several data sets too: an image of one may be a test image of another.
    """
    splits = sorted({each.split for each in fingerprints})
    for first, second in combinations(splits, 2):
        ours, theirs = ([each for each in fingerprints if each.split == split] for split in (first, second))
        likeness = np.stack([each.thumbnail for each in ours]) @ np.stack([each.thumbnail for each in theirs]).T
        same = np.array([[a.content == b.content for b in theirs] for a in ours])
        for row, column in np.argwhere(same | (likeness > NEAR_IDENTICAL)):
            yield _leak(ours[row], theirs[column], bool(same[row, column]), float(likeness[row, column]))


def _leak(first: Fingerprint, second: Fingerprint, is_same: bool, likeness: float) -> Finding:
    how = "identical to" if is_same else f"nearly identical (correlation {likeness:.4f}) to"
    return Finding(
        "warning",
        "leakage between splits",
        second.path,
        f"{second.path} is {how} {first.path}: remove one of them, else the {second.split} score is too good.",
    )


def _thumbnail(volume: Volume) -> NDArray[np.float32]:
    voxels = volume.voxels.astype(np.float32)
    gray = voxels.mean(axis=3) if volume.is_color else voxels
    thin = gray.shape.index(1) if 1 in gray.shape else None
    axes = (0, 1, 2) if thin is None else (thin,) * 3
    slices = [gray.take(gray.shape[axis] // 2, axis) for axis in axes]
    small = np.concatenate(
        [cv2.resize(each, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).ravel() for each in slices]
    )
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return np.asarray(small / length if length else small, np.float32)
