"""Training sets from a packed file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLab.training.data import TrainingItem, TrainingSet

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PackedItem(TrainingItem):
    """A training item that knows what its targets are.

    Args:
        classes: of the targets, as the label files name them.
        volume: plane and number of a slice; None for a picture.
    """

    classes: tuple[str, ...] = ()
    volume: str | None = None


class Pack:
    """A file that ``pack.py`` wrote."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            self._pictures, self._masks = arrays["pictures"], arrays["masks"]
            self._picture_ends, self._mask_ends = arrays["picture_ends"], arrays["mask_ends"]
            self.index: dict[str, Any] = json.loads(arrays["index"].tobytes())["sets"]

    def load(self, split: str, size: int, limit: int | None = None, sets: Sequence[str] = ()) -> list[TrainingSet]:
        """The sets of a split, pictures and masks stretched to a square.

        Args:
            split: "Train" or "Val".
            size: its side.
            limit: about so many items a set, evenly spread; None for all.
            sets: names; none for all.
        """
        loaded = []
        for name, splits in self.index.items():
            entries = splits.get(split, [])
            if not entries or (sets and name not in sets):
                continue
            step = max(1, -(-len(entries) // limit)) if limit else 1
            items = tuple(self._item(entry, size) for entry in entries[::step])
            loaded.append(TrainingSet(name, items, len({entry["file"] for entry in entries})))
        return loaded

    def _item(self, entry: dict[str, Any], size: int) -> PackedItem:
        picture = cv2.imdecode(_part(self._pictures, self._picture_ends, entry["picture"]), cv2.IMREAD_COLOR)
        assert picture is not None
        smaller = min(picture.shape[:2]) >= size
        interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        image = cv2.resize(np.ascontiguousarray(picture[..., ::-1]), (size, size), interpolation=interpolation)
        targets = tuple((text, self._mask(number, size)) for text, number, _ in entry["targets"])
        classes = tuple(kind for _, _, kind in entry["targets"])
        is_picture = entry["volume"] is None
        return PackedItem(np.asarray(image, np.uint8), targets, is_picture, entry["color"], classes, entry["volume"])

    def _mask(self, number: int, size: int) -> Pixels:
        if number < 0:
            return np.zeros((size, size), np.uint8)
        mask = cv2.imdecode(_part(self._masks, self._mask_ends, number), cv2.IMREAD_GRAYSCALE)
        assert mask is not None
        return (cv2.resize(mask, (size, size), interpolation=cv2.INTER_LINEAR) > 127).astype(np.uint8)


def _part(data: Pixels, ends: NDArray[np.int64], number: int) -> Pixels:
    start = int(ends[number - 1]) if number else 0
    return data[start : int(ends[number])]
