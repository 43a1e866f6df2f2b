"""Pack training and validation data into one file: small pictures as compressed bytes, with their prompts.

    python pack.py DATA OUT.npz

DATA holds the data sets in MedCLIPSeg's layout. The file has no pickled objects: ``pictures`` and ``masks`` are the
concatenated bytes of WebP and PNG files, ``picture_ends`` and ``mask_ends`` where each ends, and ``index`` is JSON:
``{"sets": {name: {"Train": [entry, ...], "Val": [...]}}}`` with entries ``{"picture": number, "targets": [[prompt, mask
number or -1 for an empty mask, class], ...], "volume": name or null, "color": bool, "file": name}``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLab.training.data import MIN_CHROMA
from MedCLIPSegLogic.datasets.sheets import read_sheet
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import Plane, choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

SIDE = 288
"""Longest side of a packed picture in pixels; smaller ones stay as they are."""
QUALITY = 78
SLICES: dict[str, tuple[tuple[Plane, int], ...]] = {
    "MSDHippocampus": (("axial", 12), ("coronal", 12), ("sagittal", 12)),
    "BrainTumorProgression": (("axial", 999), ("coronal", 8), ("sagittal", 8)),
}
"""Slices a plane that are taken of a volume."""
SETS = (
    "BUSI", "Kvasir", "BRISC", "ISIC", "MSDHippocampus", "BrainTumorProgression", "CXRPediatric", "LungCTCovid",
    "HC18", "Nuclei", "SpineMRI", "HeartMRI", "KidneyMRI", "SpleenCT", "HepaticCT", "LungTumorCT", "FIVES", "CarotidUS",
)  # fmt: skip
"""Sets whose licenses allow to redistribute a model trained on them."""
VALIDATION_IMAGES = 14
"""Of a set; they only show how the run goes."""
Pixels = NDArray[np.uint8]


class Store:
    """Bytes of many small files."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, encoded: Pixels) -> int:
        """Keep the bytes of a file; returns its number."""
        self._parts.append(encoded.tobytes())
        return len(self._parts) - 1

    def arrays(self) -> tuple[Pixels, NDArray[np.int64]]:
        """All bytes one after the other, and where each file ends."""
        data = np.frombuffer(b"".join(self._parts), np.uint8)
        return data, np.cumsum([len(part) for part in self._parts], dtype=np.int64)


def pack(data: Path, out: Path, sets: Sequence[str] = SETS, limit: int | None = None) -> None:
    """Write the file.

    Args:
        data: folder of the data sets.
        out: ``.npz`` to write.
        sets: names of their folders.
        limit: first images of a split only; None for all.
    """
    pictures, masks = Store(), Store()
    index: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name in sets:
        index[name] = {
            split: list(_entries(data / name, split, pictures, masks, limit))
            for split in ("Train", "Val")
            if (data / name / f"{split}_Folder").is_dir()
        }
    picture_data, picture_ends = pictures.arrays()
    mask_data, mask_ends = masks.arrays()
    text = np.frombuffer(json.dumps({"sets": index}).encode(), np.uint8)
    np.savez_compressed(
        out, pictures=picture_data, picture_ends=picture_ends, masks=mask_data, mask_ends=mask_ends, index=text
    )


def _entries(folder: Path, split: str, pictures: Store, masks: Store, limit: int | None) -> Iterator[dict[str, Any]]:
    targets: dict[str, list[tuple[str, str, tuple[int, ...]]]] = {}
    sheets = [folder / "Prompts_Folder" / f"{split}_text.{ending}" for ending in ("xlsx", "csv")]
    for row in read_sheet(next(sheet for sheet in sheets if sheet.is_file())):
        targets.setdefault(row.image, []).append((row.description, row.ground_truth, row.label_values))
    names = list(targets)
    if split == "Val":
        names = names[:: max(1, -(-len(names) // VALIDATION_IMAGES))]
    for image_name in names[:limit]:
        rows = targets[image_name]
        volume = read_volume(folder / f"{split}_Folder" / "img" / image_name)
        truths = [read_truth(folder / f"{split}_Folder" / "label" / file, labels, volume) for _, file, labels in rows]
        classes = [file.partition("__")[2].partition(".")[0] or "-".join(map(str, labels)) for _, file, labels in rows]
        for plane, number, pixels, cuts in _slices(volume, truths, folder.name):
            numbers = [_add_mask(masks, cut) for cut in cuts]
            yield {
                "picture": _add_picture(pictures, pixels),
                "targets": [[row[0], n, kind] for row, n, kind in zip(rows, numbers, classes, strict=True)],
                "volume": None if plane is None else f"{plane} {number}",
                "color": pixels.ndim == 3 and float(np.ptp(pixels, axis=2).mean()) > MIN_CHROMA,
                "file": image_name,
            }


def _slices(
    volume: Volume, truths: Sequence[NDArray[np.bool_]], name: str
) -> Iterator[tuple[str | None, int, Pixels, list[NDArray[np.generic]]]]:
    mapping = resolve(default_rule(volume), volume)
    if volume.is_single_slice:
        axis = choose_axis(volume, "auto")
        yield None, 0, mapping.apply(axis.extract(volume.voxels, 0)), [axis.extract(t, 0) for t in truths]
        return
    for plane, count in SLICES[name]:
        axis = choose_axis(volume, plane)
        for number in np.unique(np.linspace(0, axis.count - 1, min(count, axis.count)).round().astype(int)):
            pixels = mapping.apply(axis.extract(volume.voxels, int(number)))
            yield plane, int(number), pixels, [axis.extract(truth, int(number)) for truth in truths]


def _add_picture(store: Store, pixels: Pixels) -> int:
    small = _fit(pixels, cv2.INTER_AREA)
    color = np.repeat(small[..., None], 3, axis=2) if small.ndim == 2 else small
    # Tiny slices of volumes must not lose detail.
    quality = 101 if max(color.shape[:2]) < SIDE // 2 else QUALITY
    done, encoded = cv2.imencode(".webp", color[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert done
    return store.add(np.asarray(encoded, np.uint8))


def _add_mask(store: Store, mask: NDArray[np.generic]) -> int:
    if not mask.any():
        return -1
    small = (_fit(mask.astype(np.uint8) * 255, cv2.INTER_AREA) > 127).astype(np.uint8) * 255
    done, encoded = cv2.imencode(".png", small, [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return store.add(np.asarray(encoded, np.uint8))


def _fit(pixels: Pixels, interpolation: int) -> Pixels:
    """Each side at most ``SIDE``: the model stretches its input to a square anyway."""
    height, width = (min(side, SIDE) for side in pixels.shape[:2])
    if (height, width) == pixels.shape[:2]:
        return np.ascontiguousarray(pixels)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
