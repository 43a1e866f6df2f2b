"""Single exported files, read back with other libraries."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from full_disk import full_disk
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult, box, oblique_matrix, written_segments
from vtk.util.numpy_support import vtk_to_numpy

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.export import save_segmentation
from MedCLIPSegLogic.scene.geometry import ijk_to_ras, vtk_matrix
from MedCLIPSegLogic.scene.segment_files import save_label_map, save_surfaces
from MedCLIPSegLogic.scene.segmentation import set_segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.itk_images import image_matrix
from MedCLIPSegLogic.volumes.volume import Volume

NAMES = ["a|b", 'say "c"', "two\nlines", "肾", "x" * 500, "A B", "a-b!", ""]
SLUGS = ["a-b", "say-c", "two-lines", "prompt-4", "x" * 60, "a-b-2", "a-b-3", "prompt-8"]


@pytest.fixture
def an_overlapping_segmentation(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> Any:
    return written_segments(a_scene, a_volume_node, a_result)


@pytest.fixture
def a_segmentation(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> Any:
    """Two segments side by side and an empty one."""
    result = make_result(
        {
            "liver": box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 6)),
            "spleen": box(SHAPE, slice(1, 4), slice(4, 9), slice(7, 11)),
            "unicorn": np.full(SHAPE, 0.1, np.float32),
        }
    )
    return written_segments(a_scene, a_volume_node, result)


def ids(segmentation_node: Any) -> list[str]:
    return list(segmentation_node.GetSegmentation().GetSegmentIDs())


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def sitk_voxels(path: Path) -> NDArray[Any]:
    return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


def slicer_volume(path: Path) -> Any:
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(path))
    storage.SetSingleFile(True)
    assert storage.ReadData(node)
    return scene, node


def triangles(path: Path) -> NDArray[np.float64]:
    reader = vtk.vtkSTLReader()
    reader.SetFileName(str(path))
    reader.Update()
    return np.asarray(vtk_to_numpy(reader.GetOutput().GetPoints().GetData()), np.float64)


def test_label_map_has_the_voxels_and_geometry_of_the_image(
    a_scene: Any, a_volume_node: Any, a_segmentation: Any, tmp_path: Path
) -> None:
    for ending in [".nii.gz", ".nrrd"]:
        for is_moved in [False, True]:
            if is_moved:
                transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
                transform.SetMatrixTransformToParent(
                    vtk_matrix(np.array([[0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]]))
                )
                for node in (a_volume_node, a_segmentation):
                    node.SetAndObserveTransformNodeID(transform.GetID())
            path = tmp_path / f"map{ending}"
            assert save_label_map(a_segmentation, ids(a_segmentation), a_volume_node, path) == [
                path,
                tmp_path / "map.labels.csv",
            ]
            expected = np.zeros(SHAPE, np.uint8)
            expected[0:3, 1:8, 1:6] = 1
            expected[1:4, 4:9, 7:11] = 2
            np.testing.assert_array_equal(sitk_voxels(path), expected)
            np.testing.assert_allclose(image_matrix(sitk.ReadImage(str(path))), oblique_matrix(), atol=1e-5)
            if ending == ".nii.gz":
                image: Any = nibabel.load(path)
                np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), expected)
                np.testing.assert_allclose(image.affine, oblique_matrix(), atol=1e-5)
            _scene, node = slicer_volume(path)
            np.testing.assert_array_equal(
                vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(SHAPE), expected
            )
            np.testing.assert_allclose(ijk_to_ras(node), oblique_matrix(), atol=1e-5)


def test_table_says_what_the_labels_mean(a_volume_node: Any, a_segmentation: Any, tmp_path: Path) -> None:
    a_segmentation.GetSegmentation().GetNthSegment(1).SetColor(1.0, 0.5, 0.0)
    *_, table = save_label_map(a_segmentation, ids(a_segmentation), a_volume_node, tmp_path / "map.nrrd")
    rows = rows_of(table)
    assert [(row["LabelValue"], row["Name"], row["File"]) for row in rows] == [
        ("1", "liver", "map"),
        ("2", "spleen", "map"),
        ("3", "unicorn", "map"),
    ]
    assert (rows[1]["Color_R"], rows[1]["Color_G"], rows[1]["Color_B"]) == ("255", "128", "0")


def test_overlapping_segments_get_a_file_each(
    a_volume_node: Any, an_overlapping_segmentation: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    segment_ids = ids(an_overlapping_segmentation)
    *files, table = save_label_map(an_overlapping_segmentation, segment_ids, a_volume_node, tmp_path / "map.nii.gz")
    assert [path.name for path in files] == ["map_liver.nii.gz", "map_lesion.nii.gz", "map_unicorn.nii.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*(p.name for p in files), table.name])
    for path, prompt in zip(files, a_result.prompts, strict=True):
        np.testing.assert_array_equal(sitk_voxels(path), prompt.mask)
    assert [(row["LabelValue"], row["Name"], row["File"]) for row in rows_of(table)] == [
        ("1", "liver", "map_liver"),
        ("1", "lesion", "map_lesion"),
        ("1", "unicorn", "map_unicorn"),
    ]


def test_awkward_names_give_safe_file_names(a_volume_node: Any, a_scene: Any, tmp_path: Path) -> None:
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_volume_node)
    for name in NAMES:
        segment_id = node.GetSegmentation().AddEmptySegment("", "segment")
        node.GetSegmentation().GetSegment(segment_id).SetName(name)
        mask = np.zeros(SHAPE, np.uint8)
        mask[1:3, 2:7, 2:7] = 1
        set_segment_mask(node, segment_id, mask, a_volume_node)
    *files, table = save_label_map(node, ids(node), a_volume_node, tmp_path / "m.nrrd")
    assert [path.name for path in files] == [f"m_{slug}.nrrd" for slug in SLUGS]
    assert [row["Name"] for row in rows_of(table)] == NAMES
    surfaces = save_surfaces(node, ids(node), a_volume_node, tmp_path)
    assert [path.name for path in surfaces.values()] == [f"{slug}.stl" for slug in SLUGS]


def test_surface_lies_around_the_segment_in_lps(a_volume_node: Any, a_segmentation: Any, tmp_path: Path) -> None:
    files = save_surfaces(a_segmentation, ids(a_segmentation), a_volume_node, tmp_path)
    assert [path.name for path in files.values()] == ["liver.stl", "spleen.stl"]
    for path, center in zip(files.values(), ((3, 4, 1), (8.5, 6, 2)), strict=True):
        assert b"SPACE=LPS" in path.read_bytes()[:80]
        lps = triangles(path)
        middle = (lps.min(axis=0) + lps.max(axis=0)) / 2 * (-1, -1, 1)
        ijk = np.linalg.solve(oblique_matrix(), [*(lps * (-1, -1, 1)).mean(axis=0), 1.0])[:3]
        np.testing.assert_allclose(ijk, center, atol=0.35)
        assert np.linalg.norm(middle - (oblique_matrix() @ [*center, 1.0])[:3]) < 1.5


def test_surface_of_a_picture(a_scene: Any, a_picture: Volume, make_result: MakeResult, tmp_path: Path) -> None:
    volume_node = add_volume_node(a_scene, a_picture)
    result = make_result({"nevus": box((1, 10, 12), slice(0, 1), slice(2, 8), slice(3, 9))}, a_picture)
    node = written_segments(a_scene, volume_node, result)
    [path] = save_surfaces(node, ids(node), volume_node, tmp_path).values()
    np.testing.assert_allclose(triangles(path).mean(axis=0)[:2], (5.5, 4.5), atol=0.3)


def test_other_endings_are_refused(a_volume_node: Any, a_segmentation: Any, tmp_path: Path) -> None:
    for name in ["a.mha", ".nrrd", "a.nii"]:
        with pytest.raises(MedCLIPSegError, match=r"must end in \.nii\.gz or \.nrrd"):
            save_label_map(a_segmentation, ids(a_segmentation), a_volume_node, tmp_path / name)
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(MedCLIPSegError, match="rename"):
        save_segmentation(a_segmentation, tmp_path / "caf\udce9.seg.nrrd")


def test_segmentation_that_was_cut_off_is_noticed(a_segmentation: Any, tmp_path: Path) -> None:
    (tmp_path / "a.seg.nrrd").write_text("old")
    with pytest.raises(MedCLIPSegError, match="can't be written"), full_disk():
        save_segmentation(a_segmentation, tmp_path / "a.seg.nrrd")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_missing_folder_is_one_sentence(a_volume_node: Any, a_segmentation: Any, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="could not be written"):
        save_label_map(a_segmentation, ids(a_segmentation), a_volume_node, tmp_path / "no" / "a.nrrd")
    with pytest.raises(MedCLIPSegError, match="can't be written"):
        save_surfaces(a_segmentation, ids(a_segmentation), a_volume_node, tmp_path / "no")
