"""Which images count as pictures of unknown pixel size, and what survives in a saved scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scene_samples import MakeResult

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.scene.export import save_scene
from MedCLIPSegLogic.scene.export_record import export_record
from MedCLIPSegLogic.scene.geometry import vtk_matrix
from MedCLIPSegLogic.scene.pictures import is_picture, remember_picture
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.review import segment_statistics
from MedCLIPSegLogic.scene.volumes import add_volume_node, size_of, slice_axis_of, volume_from_node
from MedCLIPSegLogic.volumes.volume import Volume

DENSE = np.diag([-0.25, -0.5, 1.0, 1.0])
PLAIN = np.diag([-1.0, -1.0, 1.0, 1.0])


def add(
    scene: Any, matrix: Any, slices: int = 1, color: bool = False, file: str | None = None, **attributes: str
) -> Any:
    """A volume as a reader of Slicer leaves it."""
    node = add_volume_node(scene, Volume(np.zeros((slices, 4, 5, *((3,) if color else ())), np.uint8), matrix, "v"))
    if file is not None:
        storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
        storage.SetFileName(file)
        node.SetAndObserveStorageNodeID(storage.GetID())
    for name, value in attributes.items():
        node.SetAttribute(name.replace("_", "."), value)
    return node


@pytest.mark.parametrize(
    ("expected", "case"),
    [
        (True, {"matrix": DENSE, "file": "/gone/lesion.JPG"}),
        (True, {"matrix": DENSE, "file": "/gone/pages.tiff", "slices": 3}),
        (True, {"matrix": PLAIN, "file": "/gone/a.png", "color": True}),
        (True, {"matrix": PLAIN}),
        (True, {"matrix": DENSE, "color": True, "file": "/gone/from a scene.nrrd"}),
        (False, {"matrix": DENSE, "file": "/gone/scan.nrrd"}),
        (False, {"matrix": DENSE, "color": True, "DICOM_instanceUIDs": "1.2.3"}),
        (False, {"matrix": DENSE}),
        (False, {"matrix": PLAIN, "slices": 2}),
        (False, {"matrix": np.diag([-0.01, -0.01, 0.05, 1.0]), "file": "/gone/stack.tif", "slices": 3}),
        (False, {"matrix": np.diag([1.0, 1.0, 1.0, 1.0]), "file": "/gone/a.png"}),
    ],
)
def test_pictures_are_told_by_where_they_come_from(a_scene: Any, expected: bool, case: dict[str, Any]) -> None:
    node = add(a_scene, **case)
    assert is_picture(node) is expected
    assert volume_from_node(node).spacing_known is not expected
    assert (size_of(8, node) == (None, None)) is expected


def test_a_damaged_memory_does_not_count(a_scene: Any) -> None:
    assert is_picture(add(a_scene, PLAIN, MedCLIPSeg_PictureSpacing="1 2 three"))
    assert not is_picture(add(a_scene, DENSE, MedCLIPSeg_PictureSpacing="1 2 three"))


@pytest.mark.parametrize("matrix", [DENSE, np.array([[0, -0.25, 0, 0], [0.25, 0, 0, -1], [0, 0, 1, 0], [0, 0, 0, 1]])])
def test_a_saved_scene_remembers_pictures_until_somebody_measures_them(
    a_scene: Any, tmp_path: Path, matrix: Any
) -> None:
    picture = Volume(np.zeros((1, 4, 5), np.uint8), matrix, "photo", spacing_known=False)
    add_volume_node(a_scene, picture)
    save_scene(a_scene, tmp_path / "scene.mrb")
    scene = create_scene().scene
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    node = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert Path(node.GetStorageNode().GetFileName()).suffix == ".nrrd"
    assert not volume_from_node(node).spacing_known
    node.SetSpacing(0.1, 0.1, 1)
    assert volume_from_node(node).spacing_known


def test_a_result_makes_the_scene_remember_its_picture(a_scene: Any, make_result: MakeResult) -> None:
    node = add(a_scene, DENSE, file="/gone/lesion.jpg")
    volume = volume_from_node(node)
    assert not volume.spacing_known
    probability = np.zeros(volume.shape, np.float32)
    probability[0, 1:3, 1:4] = 0.9
    written = write_result(a_scene, node, make_result({"mole": probability}, volume))
    node.GetStorageNode().SetFileName("/gone/from a scene.nrrd")
    assert is_picture(node)
    segment_id = written.segment_ids[0]
    statistics = segment_statistics(written.segmentation, segment_id, node, None)
    assert (statistics.voxels, statistics.volume_ml, statistics.area_mm2) == (6, None, None)
    record = export_record(written.segmentation, node, [segment_id], {}, ())
    assert record["image"]["spacing_mm"] is None
    assert (record["segments"][0]["volume_ml"], record["segments"][0]["area_mm2"]) == (None, None)


def test_a_picture_is_sliced_as_it_is_stored(a_scene: Any) -> None:
    turned = np.array([[0, -0.25, 0, 0], [0.25, 0, 0, -1], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    node = add_volume_node(a_scene, Volume(np.zeros((1, 4, 5), np.uint8), turned, "photo", spacing_known=False))
    axis = slice_axis_of(node, "auto")
    assert (axis.axis, axis.transposed, axis.flip_rows, axis.flip_columns) == (0, False, False, False)
    assert axis.pixel_spacing == (1, 1)


def test_moving_a_picture_is_no_measurement(a_scene: Any) -> None:
    node = add(a_scene, DENSE, file="/gone/lesion.jpg")
    remember_picture(node)
    node.SetOrigin(3, 4, 5)
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(vtk_matrix(np.diag([2.0, 2.0, 2.0, 1.0])))
    node.SetAndObserveTransformNodeID(transform.GetID())
    assert is_picture(node)
