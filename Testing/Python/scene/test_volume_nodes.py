"""Volumes into the scene and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import vtk
from scene_samples import oblique_matrix

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.volumes import add_volume_node, volume_from_node
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume


def add(scene: Any, voxels: Any, matrix: Any = PICTURE_IJK_TO_RAS) -> Any:
    return add_volume_node(scene, Volume(np.asarray(voxels), matrix, "v"))


def test_scalar_volume_round_trip(a_scene: Any, a_volume: Volume) -> None:
    node = add_volume_node(a_scene, a_volume)
    back = volume_from_node(node)
    assert node.GetClassName() == "vtkMRMLScalarVolumeNode"
    assert (back.name, back.spacing_known, back.voxels.dtype) == ("ct", True, np.float32)
    np.testing.assert_array_equal(back.voxels, a_volume.voxels)


def test_oblique_matrix_is_exact(a_volume_node: Any, a_volume: Volume) -> None:
    np.testing.assert_allclose(volume_from_node(a_volume_node).ijk_to_ras, a_volume.ijk_to_ras, rtol=0, atol=1e-13)


def test_sheared_and_mirrored_matrix_is_exact(a_scene: Any) -> None:
    matrix = oblique_matrix()
    matrix[:3, 1] = -matrix[:3, 1] + 0.2 * matrix[:3, 0]
    node = add(a_scene, np.zeros((2, 3, 4), np.uint8), matrix)
    np.testing.assert_allclose(volume_from_node(node).ijk_to_ras, matrix, rtol=0, atol=1e-13)


def test_voxel_order_is_kji(a_scene: Any) -> None:
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = add(a_scene, voxels).GetImageData()
    assert image.GetScalarComponentAsDouble(3, 1, 0, 0) == voxels[0, 1, 3]
    assert image.GetScalarComponentAsDouble(0, 2, 1, 0) == voxels[1, 2, 0]


def test_voxels_are_copied_both_ways(a_scene: Any) -> None:
    voxels = np.zeros((2, 3, 4), np.float32)
    node = add(a_scene, voxels)
    voxels[:] = 7
    taken = volume_from_node(node)
    node.GetImageData().GetPointData().GetScalars().Fill(9)
    assert taken.voxels.max() == 0
    taken.voxels[:] = 5
    assert node.GetImageData().GetScalarComponentAsDouble(0, 0, 0, 0) == 9


def test_voxels_survive_removal_of_the_node(a_scene: Any, a_volume: Volume) -> None:
    node = add_volume_node(a_scene, a_volume)
    taken = volume_from_node(node)
    a_scene.RemoveNode(node)
    del node
    np.testing.assert_array_equal(taken.voxels, a_volume.voxels)


def test_every_real_type_is_accepted(a_scene: Any) -> None:
    for given, stored in [
        ("bool", "uint8"),
        ("int8", "int16"),
        ("uint8", "uint8"),
        ("int16", "int16"),
        (">i2", "int16"),
        ("uint16", "uint16"),
        ("int32", "int32"),
        ("uint32", "uint32"),
        ("int64", "int32"),
        ("uint64", "int32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("longdouble", "float64"),
    ]:
        voxels = np.array([[[0, 1, 1], [1, 0, 1]]]).astype(given)
        back = volume_from_node(add(a_scene, voxels)).voxels
        assert back.dtype == np.dtype(stored)
        np.testing.assert_array_equal(back, voxels)


def test_large_integers_keep_their_value(a_scene: Any) -> None:
    for dtype, values in [("int64", [-(2**40), 2**40]), ("uint64", [0, 2**33]), ("int64", [2**31, 0])]:
        back = volume_from_node(add(a_scene, np.array([[values]], dtype))).voxels
        assert back.dtype == np.float64
        np.testing.assert_array_equal(back.ravel(), values)


def test_complex_voxels_are_refused(a_scene: Any) -> None:
    count = a_scene.GetNumberOfNodes()
    with pytest.raises(MedCLIPSegError, match="complex64"):
        add(a_scene, np.zeros((1, 2, 2), np.complex64))
    assert a_scene.GetNumberOfNodes() == count


def test_strided_voxels_are_stored_in_order(a_scene: Any) -> None:
    voxels = np.arange(48, dtype=np.float32).reshape(4, 3, 4)[::-2, :, ::-1]
    np.testing.assert_array_equal(volume_from_node(add(a_scene, voxels)).voxels, voxels)


def test_picture_is_a_vector_volume_with_picture_geometry(a_scene: Any, a_picture: Volume) -> None:
    node = add_volume_node(a_scene, a_picture)
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert node.GetVoxelVectorType() == node.VoxelVectorTypeColorRGB
    image = node.GetImageData()
    first = [image.GetScalarComponentAsDouble(0, 0, 0, component) for component in range(3)]
    np.testing.assert_array_equal(first, a_picture.voxels[0, 0, 0])
    back = volume_from_node(node)
    np.testing.assert_array_equal(back.voxels, a_picture.voxels)
    np.testing.assert_array_equal(back.ijk_to_ras, np.diag([-1, -1, 1, 1]))
    assert not back.spacing_known


def test_what_is_fully_transparent_is_black(a_scene: Any, a_picture: Volume) -> None:
    node = add_volume_node(a_scene, a_picture)
    append = vtk.vtkImageAppendComponents()
    alpha = vtk.vtkImageExtractComponents()
    alpha.SetInputData(node.GetImageData())
    append.AddInputData(node.GetImageData())
    append.AddInputConnection(alpha.GetOutputPort())
    append.Update()
    node.SetAndObserveImageData(append.GetOutput())
    taken = volume_from_node(node).voxels
    hidden = a_picture.voxels[..., :1] == 0
    assert 0 < hidden.mean() < 0.5
    np.testing.assert_array_equal(taken, np.where(hidden, 0, a_picture.voxels))
    assert taken.flags.c_contiguous


def test_vectors_that_are_no_colors_are_refused(a_scene: Any, a_picture: Volume) -> None:
    node = add_volume_node(a_scene, a_picture)
    cast = vtk.vtkImageCast()
    cast.SetInputData(node.GetImageData())
    cast.SetOutputScalarTypeToFloat()
    cast.Update()
    node.SetAndObserveImageData(cast.GetOutput())
    with pytest.raises(MedCLIPSegError, match="8-bit RGB"):
        volume_from_node(node)


def test_color_that_is_not_8_bit_is_refused(a_scene: Any) -> None:
    with pytest.raises(MedCLIPSegError, match="8-bit"):
        add(a_scene, np.zeros((1, 2, 2, 3), np.uint16))


def test_volume_without_voxels_is_refused(a_scene: Any) -> None:
    node = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hollow")
    with pytest.raises(MedCLIPSegError, match="hollow"):
        volume_from_node(node)


def test_parent_transform_is_left_out(a_scene: Any, a_volume_node: Any, a_volume: Volume) -> None:
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_allclose(volume_from_node(a_volume_node).ijk_to_ras, a_volume.ijk_to_ras, rtol=0, atol=1e-13)


def test_volume_has_one_grey_display(a_scene: Any, a_volume_node: Any) -> None:
    assert a_volume_node.GetNumberOfDisplayNodes() == 1
    assert a_volume_node.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
