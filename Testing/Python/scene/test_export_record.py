"""What the record beside exported files says."""

from __future__ import annotations

import json
import platform
from typing import Any

import numpy as np
import pytest
from scene_samples import SHAPE, MakeResult, box, oblique_matrix

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.export_record import export_record
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import segment_mask, set_segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.volumes.volume import Volume

PROMPT = 'left | "kidney"\n肾'
SETTINGS = {"model": "mini", "model_hash": "abc", "samples": 7, "seed": 3, "plane": "axial"}


@pytest.fixture
def written(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> SceneResult:
    probability = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))
    return write_result(a_scene, a_volume_node, make_result({PROMPT: probability}, settings=SETTINGS))


def record(written: SceneResult, volume_node: Any) -> dict[str, Any]:
    """The record, as it comes back from a file."""
    files = {"": ["t.csv"], written.segment_ids[0]: ["b.stl", "a.nrrd"]}
    made = export_record(written.segmentation, volume_node, written.segment_ids, files, ["left out"])
    return dict(json.loads(json.dumps(made, allow_nan=False)))


def test_record_tells_where_the_result_came_from(written: SceneResult, a_volume_node: Any) -> None:
    told = record(written, a_volume_node)
    [segment] = told["segments"]
    assert segment["prompt"] == PROMPT
    for name in ("model", "model_hash", "samples", "seed"):
        assert segment[name] == SETTINGS[name]
    assert segment["threshold"] == 0.5
    assert segment["settings"] == SETTINGS
    assert segment["edited"] is False
    assert segment["files"] == ["b.stl", "a.nrrd"]
    assert segment["voxels"] == 147
    assert segment["volume_ml"] == pytest.approx(147 * 0.71 * 0.83 * 2.5 / 1000)
    assert segment["area_mm2"] is None
    assert 0 < segment["mean_uncertainty_nats"] < 0.7
    assert told["files"] == ["a.nrrd", "b.stl", "t.csv"]
    assert told["notes"] == ["left out"]


def test_record_tells_the_image_and_the_versions(written: SceneResult, a_volume_node: Any) -> None:
    told = record(written, a_volume_node)
    assert told["image"]["name"] == "ct"
    assert told["image"]["dimensions_ijk"] == [12, 10, 4]
    assert told["image"]["spacing_mm"] == pytest.approx([0.71, 0.83, 2.5])
    np.testing.assert_allclose(told["image"]["ijk_to_ras"], oblique_matrix())
    assert told["image"]["parent_transform_left_out"] is False
    assert told["versions"]["medclipseg"] == __version__
    assert told["versions"]["python"] == platform.python_version()
    assert all(told["versions"].values())


def test_record_tells_that_a_person_edited(written: SceneResult, a_volume_node: Any) -> None:
    mask = segment_mask(written.segmentation, written.segment_ids[0], a_volume_node)
    mask[3, 9, 11] = 1
    set_segment_mask(written.segmentation, written.segment_ids[0], mask, a_volume_node)
    [segment] = record(written, a_volume_node)["segments"]
    assert segment["edited"] is True
    assert segment["voxels"] == 148


def test_segment_without_a_run_has_nulls(a_volume_node: Any, written: SceneResult) -> None:
    segmentation = written.segmentation.GetSegmentation()
    segment_id = segmentation.AddEmptySegment("", "drawn")
    set_segment_mask(written.segmentation, segment_id, np.ones(SHAPE, np.uint8), a_volume_node)
    [segment] = export_record(written.segmentation, a_volume_node, [segment_id], {}, [])["segments"]
    assert (segment["prompt"], segment["samples"], segment["settings"]) == (None, None, None)
    assert segment["edited"] is True


def test_damaged_tags_are_nulls(a_volume_node: Any, written: SceneResult) -> None:
    segment = written.segmentation.GetSegmentation().GetSegment(written.segment_ids[0])
    for name in ("Samples", "Threshold", "Settings"):
        segment.SetTag(f"MedCLIPSeg.{name}", "{broken")
    [told] = record(written, a_volume_node)["segments"]
    assert (told["samples"], told["threshold"], told["settings"]) == (None, None, None)
    assert told["seed"] == 3


def test_sizes_of_single_slices(a_scene: Any, a_volume: Volume, a_picture: Volume, make_result: MakeResult) -> None:
    thin = Volume(a_volume.voxels[:, 3:4], a_volume.ijk_to_ras, "thin")
    areas = []
    for volume in (thin, a_picture):
        node = add_volume_node(a_scene, volume)
        probability = np.full(volume.shape, 0.9, np.float32)
        written = write_result(a_scene, node, make_result({"all": probability}, volume))
        told = record(written, node)
        assert told["segments"][0]["volume_ml"] is None
        areas.append(told["segments"][0]["area_mm2"])
        assert (told["image"]["spacing_mm"] is None) == (volume is a_picture)
    assert areas == [pytest.approx(48 * 0.71 * 2.5), None]


def test_missing_segment_is_an_error(written: SceneResult, a_volume_node: Any) -> None:
    with pytest.raises(MedCLIPSegError, match="gone"):
        export_record(written.segmentation, a_volume_node, ["gone"], {}, [])
