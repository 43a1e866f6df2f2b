"""Check data sets before they are trained or evaluated on, for images that stand in two splits too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.volume import Volume

from .checking import CheckedImage, Finding, check_split, splits_of

THUMBNAIL = 32
NEAR_IDENTICAL = 0.996
"""Correlation of two thumbnails above which they show the same picture: resized, brightened or compressed anew."""


@dataclass(frozen=True, eq=False)
class _Fingerprint:
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


def check_data(data: Sequence[str | Path], progress: Callable[[int, int, Path], None] | None = None) -> list[Finding]:
    """Look for missing pairs, masks that don't fit or aren't binary, prompts without images, and leakage.

    Args:
        data: data set folders in MedCLIPSeg's layout; images are compared between all of them.
        progress: called after every image with its number from 1, about how many there are, and its file.

    Returns:
        What was found, errors first.

    Raises:
        MedCLIPSegError: a folder is no data set.
    """
    if not data:
        raise MedCLIPSegError("Give at least one data set folder.")
    parts = [(folder, split) for folder in map(Path, data) for split in splits_of(folder)]
    total = sum(len(list((folder / f"{split}_Folder" / "img").iterdir())) for folder, split in parts)
    findings: list[Finding] = []
    fingerprints: list[_Fingerprint] = []
    for folder, split in parts:
        for event in check_split(folder, split):
            if isinstance(event, CheckedImage):
                mark = _Fingerprint(event.path, event.split, event.volume.content_hash, _thumbnail(event.volume))
                fingerprints.append(mark)
                if progress:
                    progress(len(fingerprints), max(total, len(fingerprints)), event.path)
            else:
                findings.append(event)
    findings.extend(_find_leaks(fingerprints))
    return sorted(findings, key=lambda finding: (finding.severity != "error", finding.kind, str(finding.path)))


def _find_leaks(fingerprints: list[_Fingerprint]) -> Iterator[Finding]:
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
            correlation = f"nearly identical (correlation {likeness[row, column]:.4f}) to"
            how = "identical to" if same[row, column] else correlation
            path = theirs[column].path
            text = f"{path} is {how} {ours[row].path}: remove one of them, else the {second} score is too good."
            yield Finding("warning", "leakage between splits", path, text)


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
