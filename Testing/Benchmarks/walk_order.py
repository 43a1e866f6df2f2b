"""How early a walk through the slices of a volume shows what a segmentation got wrong.

Run as a script on a data set of volumes, it prints the record as JSON: the share of all wrong voxels that lies in the
slices of the first stops, by the order of the stops.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.datasets.sheets import SheetRow, read_sheet
from MedCLIPSegLogic.inference.result import SegmentationResult, to_the_end
from MedCLIPSegLogic.runs.choices import RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import prepare
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.review import uncertain_stops
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.readers import read_volume

STOPS = (5, 10, 20)
PLANE = "sagittal"
SAMPLES = 4
Orders = dict[str, list[int]]


def orders_of(result: SegmentationResult, wrong: NDArray[np.int64]) -> Orders:
    """Slices in the order of every walk.

    Args:
        result: of one prompt.
        wrong: wrong voxels of each slice.
    """
    prompt, axis = result.prompts[0], result.slice_axis
    assert prompt.uncertainty is not None
    mask, values = np.moveaxis(prompt.mask > 0, axis, 0), np.moveaxis(prompt.uncertainty, axis, 0)
    with_segment = [int(index) for index in np.flatnonzero(mask.any(axis=(1, 2)))]
    session = create_scene()
    node = add_volume_node(session.scene, result.volume)
    written = write_result(session.scene, node, result)
    stops = uncertain_stops(written.segmentation, written.segment_ids[0], node, written.uncertainty_maps[0], axis)
    return {
        "in order, all": list(range(len(mask))),
        "in order, with the segment": with_segment,
        "mean inside": sorted(with_segment, key=lambda index: -values[index][mask[index]].mean()),
        "mean along the boundary": sorted(with_segment, key=lambda index: -values[index][_band(mask[index])].mean()),
        "the walk": [stop.index for stop in stops],
        "by the wrong voxels": [int(index) for index in np.argsort(-wrong, kind="stable")],
    }


def compare(folder: Path, volumes: int, split: str = "Val") -> dict[str, Any]:
    """Segment the first volumes of a split by all their prompts with ``mini``.

    Args:
        folder: data set.
        volumes: how many.
        split: "Train", "Val" or "Test".
    """
    shares: dict[str, list[list[float]]] = {}
    models, settings = Models(), {}
    for row, result in _results(folder, volumes, split, models):
        settings = result.settings
        truth = read_truth(folder / f"{split}_Folder" / "label" / row.ground_truth, row.label_values, result.volume)
        missed = np.moveaxis((result.prompts[0].mask > 0) != truth, result.slice_axis, 0)
        wrong = np.count_nonzero(missed, axis=(1, 2))
        for name, order in orders_of(result, wrong).items():
            shares.setdefault(name, []).append([wrong[order[:count]].sum() / wrong.sum() for count in STOPS])
    return {
        "data": folder.name,
        "split": split,
        "volumes": volumes,
        "prompts": len(next(iter(shares.values()))),
        "plane": PLANE,
        "samples": SAMPLES,
        "model": settings["model"],
        "model_hash": settings["model_hash"],
        "stops": STOPS,
        "share_of_wrong_voxels": {
            name: [round(float(share), 3) for share in np.mean(each, axis=0)] for name, each in shares.items()
        },
    }


def _results(folder: Path, volumes: int, split: str, models: Models) -> Iterator[tuple[SheetRow, SegmentationResult]]:
    """What was found for each prompt; answers that were held back are left out."""
    sheets = folder / "Prompts_Folder"
    rows = read_sheet(next(path for path in sorted(sheets.iterdir()) if path.name.startswith(f"{split}_text")))
    names = sorted({row.image for row in rows})[:volumes]
    choices = RunChoices(samples=SAMPLES, plane=PLANE, threads=1)
    for row in rows:
        if row.image in names:
            volume = read_volume(folder / f"{split}_Folder" / "img" / row.image)
            result = to_the_end(models.events(prepare(volume, row.description, choices)))
            if result.prompts[0].uncertainty is not None:
                yield row, result


def _band(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels within one step of the contour of a mask (H, W), inside and outside of it."""
    cross = ndimage.generate_binary_structure(2, 1)
    band: NDArray[np.bool_] = ndimage.binary_dilation(mask, cross) & ~ndimage.binary_erosion(
        mask, cross, border_value=1
    )
    return band if band.any() else mask


if __name__ == "__main__":
    print(json.dumps(compare(Path(sys.argv[1]), int(sys.argv[2])), indent=2))
