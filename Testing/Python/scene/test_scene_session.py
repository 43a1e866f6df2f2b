"""Scenes for scripts."""

from __future__ import annotations

import gc
from typing import Any

import slicer

from MedCLIPSegLab.results.headless_scene import create_scene


def test_leaves_the_slicer_module_as_it_was() -> None:
    before = {name: getattr(slicer, name, None) for name in ("mrmlScene", "modules", "app")}
    create_scene()
    assert {name: getattr(slicer, name, None) for name in before} == before


def test_scene_knows_the_node_classes_it_needs(a_scene: Any) -> None:
    for name in ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode", "vtkMRMLSegmentationNode"):
        assert a_scene.AddNewNodeByClass(name).IsA(name)
    for name in ("vtkMRMLColorLegendDisplayNode", "vtkMRMLSegmentationDisplayNode"):
        assert a_scene.IsNodeClassRegistered(name)
    assert a_scene.GetNodeByID("vtkMRMLColorTableNodeGrey") is not None


def test_a_scene_outlives_the_session_beside_it() -> None:
    kept, dropped = create_scene(), create_scene()
    del dropped
    gc.collect()
    node = kept.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "still here")
    assert kept.scene.GetFirstNodeByName("still here") is node


def test_slice_orientations_are_there(a_scene: Any) -> None:
    node = a_scene.AddNewNodeByClass("vtkMRMLSliceNode", "Any")
    assert node.SetOrientation("Coronal")
    assert node.GetOrientation() == "Coronal"
