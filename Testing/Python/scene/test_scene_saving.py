"""Files: segmentations and scene bundles, written and read back."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from composite_nodes import shown_map
from scene_samples import SHAPE, MakeResult, box, written_segments

from MedCLIPSegLab.results.headless_scene import HeadlessScene, create_scene
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.arrays import copy_voxels
from MedCLIPSegLogic.scene.colors import HEAT_COLOR_NODE_NAME
from MedCLIPSegLogic.scene.export import save_scene, save_segmentation
from MedCLIPSegLogic.scene.geometry import ijk_to_ras, vtk_matrix
from MedCLIPSegLogic.scene.map_volumes import UNCERTAINTY, find_map, map_nodes, map_prompt, map_role
from MedCLIPSegLogic.scene.nodes import nodes_of_class
from MedCLIPSegLogic.scene.overlay import hide_overlay, show_overlay
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.segmentation import segment_mask
from MedCLIPSegLogic.scene.tags import mark_edited, segment_record
from MedCLIPSegLogic.scene.volumes import add_volume_node, volume_from_node
from MedCLIPSegLogic.volumes.volume import Volume

LIVER = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))
AWKWARD_PROMPTS = [
    "left kidney: cortex | medulla",
    "\"double\" and 'single' <quotes> & more",
    "two\nlines\r\nand a\ttab",
    "左肾 – Nière gauche ß 🫀",
    "50% of a;b=c\\n^~",
    "word " * 100,
    "肾" * 500,
    " outer blanks ",
]


@pytest.fixture
def another_session() -> HeadlessScene:
    return create_scene()


def load_segmentation(scene: Any, path: Path) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "loaded")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node


def load_scene(scene: Any, path: Path, replace: bool = False) -> None:
    assert scene.ReadFromMRB(str(path), replace)


def segments(segmentation_node: Any) -> list[Any]:
    segmentation = segmentation_node.GetSegmentation()
    return [segmentation.GetNthSegment(index) for index in range(segmentation.GetNumberOfSegments())]


def assert_same_segments(first: Any, second: Any, volume_node: Any, other_volume_node: Any) -> None:
    assert [segment.GetName() for segment in segments(first)] == [segment.GetName() for segment in segments(second)]
    for one, other in zip(segments(first), segments(second), strict=True):
        np.testing.assert_allclose(one.GetColor(), other.GetColor(), atol=1e-5)
        assert segment_record(one) == segment_record(other) != {}
    for one, other in zip(
        first.GetSegmentation().GetSegmentIDs(), second.GetSegmentation().GetSegmentIDs(), strict=True
    ):
        np.testing.assert_array_equal(
            segment_mask(first, one, volume_node), segment_mask(second, other, other_volume_node)
        )


def test_segmentation_file_keeps_everything(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    node = written_segments(a_scene, a_volume_node, a_result)
    segments(node)[1].SetColor(0.1, 0.2, 0.3)
    mark_edited(segments(node)[1])
    count = a_scene.GetNumberOfNodes()
    save_segmentation(node, tmp_path / "Überblick 肾.seg.nrrd")
    assert a_scene.GetNumberOfNodes() == count
    assert [path.name for path in tmp_path.iterdir()] == ["Überblick 肾.seg.nrrd"]
    loaded = load_segmentation(a_scene, tmp_path / "Überblick 肾.seg.nrrd")
    assert_same_segments(node, loaded, a_volume_node, a_volume_node)
    np.testing.assert_array_equal(
        segment_mask(loaded, loaded.GetSegmentation().GetNthSegmentID(0), a_volume_node), a_result.prompts[0].mask
    )


def test_loaded_segmentation_can_be_rerun(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, make_result: MakeResult, tmp_path: Path
) -> None:
    save_segmentation(written_segments(a_scene, a_volume_node, a_result), tmp_path / "a.seg.nrrd")
    loaded = load_segmentation(a_scene, tmp_path / "a.seg.nrrd")
    fresh = make_result({"liver": LIVER[::-1]})
    written_segments(a_scene, a_volume_node, fresh, loaded)
    assert [segment.GetName() for segment in segments(loaded)] == ["liver", "lesion", "unicorn"]
    for index, expected in enumerate((fresh.prompts[0].mask, a_result.prompts[1].mask)):
        segment_id = loaded.GetSegmentation().GetNthSegmentID(index)
        np.testing.assert_array_equal(segment_mask(loaded, segment_id, a_volume_node), expected)


def test_awkward_prompts_survive_both_kinds_of_file(a_volume: Volume, make_result: MakeResult, tmp_path: Path) -> None:
    for prompt in AWKWARD_PROMPTS:
        a_session, another_session = create_scene(), create_scene()
        a_scene = a_session.scene
        a_volume_node = add_volume_node(a_scene, a_volume)
        written = write_result(a_scene, a_volume_node, make_result({prompt: LIVER}))
        save_segmentation(written.segmentation, tmp_path / "a.seg.nrrd")
        save_scene(a_scene, tmp_path / "a.mrb")
        load_scene(another_session.scene, tmp_path / "a.mrb")
        [in_scene] = nodes_of_class(another_session.scene, "vtkMRMLSegmentationNode")
        for node in (in_scene, load_segmentation(a_scene, tmp_path / "a.seg.nrrd")):
            [segment] = segments(node)
            assert segment_record(segment)["Prompt"] == prompt
            assert segment.GetName() == " ".join(prompt.split())
        maps = list(map_nodes(another_session.scene))
        assert [map_prompt(node) for node in maps] == [prompt] * 3
        np.testing.assert_array_equal(copy_voxels(maps[0].GetImageData()), LIVER)


@pytest.mark.parametrize("replace", [False, True])
def test_scene_keeps_everything(
    replace: bool,
    a_scene: Any,
    a_volume: Volume,
    a_picture: Volume,
    a_volume_node: Any,
    a_result: SegmentationResult,
    another_session: HeadlessScene,
    tmp_path: Path,
) -> None:
    add_volume_node(a_scene, a_picture)
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    transform.SetMatrixTransformToParent(
        vtk_matrix(np.array([[0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]]))
    )
    a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    written = write_result(a_scene, a_volume_node, a_result)
    save_scene(a_scene, tmp_path / "case 1.mrb")
    assert [path.name for path in tmp_path.iterdir()] == ["case 1.mrb"]

    scene = another_session.scene
    # Something is there already: the IDs of loaded nodes change unless they replace it.
    add_volume_node(scene, a_volume).SetName("in the way")
    load_scene(scene, tmp_path / "case 1.mrb", replace)
    volume_node, photo_node = scene.GetFirstNodeByName("ct"), scene.GetFirstNodeByName("photo")
    assert (volume_node.GetID() == a_volume_node.GetID()) == replace
    np.testing.assert_array_equal(volume_from_node(volume_node).voxels, a_volume.voxels)
    np.testing.assert_allclose(ijk_to_ras(volume_node), a_volume.ijk_to_ras, atol=1e-9)
    photo = volume_from_node(photo_node)
    np.testing.assert_array_equal(photo.voxels, a_picture.voxels)
    np.testing.assert_array_equal(photo.ijk_to_ras, a_picture.ijk_to_ras)

    [segmentation] = nodes_of_class(scene, "vtkMRMLSegmentationNode")
    assert_same_segments(written.segmentation, segmentation, a_volume_node, volume_node)
    maps = list(map_nodes(scene, volume_node))
    expected = list(map_nodes(a_scene, a_volume_node))
    assert len(maps) == len(expected) == 9
    for node, original in zip(maps, expected, strict=True):
        np.testing.assert_array_equal(copy_voxels(node.GetImageData()), copy_voxels(original.GetImageData()))
        np.testing.assert_allclose(ijk_to_ras(node), a_volume.ijk_to_ras, atol=1e-9)
        assert (node.GetName(), map_role(node)) == (original.GetName(), map_role(original))
        assert map_prompt(node) == map_prompt(original)
        assert node.GetAttribute("MedCLIPSeg.Model") == "demo-model"
        display, original_display = node.GetDisplayNode(), original.GetDisplayNode()
        for setting in ("WindowLevelMin", "WindowLevelMax", "LowerThreshold", "ApplyThreshold", "AutoWindowLevel"):
            assert getattr(display, f"Get{setting}")() == pytest.approx(
                getattr(original_display, f"Get{setting}")(), abs=1e-5
            )
        assert display.GetColorNode().GetName() == HEAT_COLOR_NODE_NAME
    parents = {node.GetParentTransformNode().GetName() for node in (volume_node, segmentation, *maps)}
    assert parents == {"moved"}


def test_loaded_scene_can_be_rerun(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, another_session: HeadlessScene, tmp_path: Path
) -> None:
    write_result(a_scene, a_volume_node, a_result)
    save_scene(a_scene, tmp_path / "a.mrb")
    scene = another_session.scene
    load_scene(scene, tmp_path / "a.mrb")
    [segmentation] = nodes_of_class(scene, "vtkMRMLSegmentationNode")
    count = scene.GetNumberOfNodes()
    again = write_result(scene, scene.GetFirstNodeByName("ct"), a_result, segmentation)
    assert scene.GetNumberOfNodes() == count
    assert len(segments(again.segmentation)) == 3
    assert again.uncertainty_maps[0] is find_map(scene, scene.GetFirstNodeByName("ct"), "liver", UNCERTAINTY)


def test_overlay_saved_with_the_scene_can_be_hidden_after_loading(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, another_session: HeadlessScene, tmp_path: Path
) -> None:
    written = write_result(a_scene, a_volume_node, a_result)
    view = slicer.vtkMRMLSliceCompositeNode()
    view.SetSingletonTag("Red")
    view.SetLayoutName("Red")
    a_scene.AddNode(view)
    view.SetForegroundVolumeID(a_volume_node.GetID())
    view.SetForegroundOpacity(0.3)
    show_overlay(a_scene, written.uncertainty_maps[0], written.segmentation)
    save_scene(a_scene, tmp_path / "a.mrb")

    scene = another_session.scene
    load_scene(scene, tmp_path / "a.mrb")
    assert shown_map(scene) is find_map(scene, scene.GetFirstNodeByName("ct"), "liver", UNCERTAINTY)
    hide_overlay(scene)
    [loaded_view] = nodes_of_class(scene, "vtkMRMLSliceCompositeNode")
    assert scene.GetNodeByID(loaded_view.GetForegroundVolumeID()).GetName() == "ct"
    assert loaded_view.GetForegroundOpacity() == pytest.approx(0.3)
    assert nodes_of_class(scene, "vtkMRMLColorLegendDisplayNode") == []
    [segmentation] = nodes_of_class(scene, "vtkMRMLSegmentationNode")
    assert segmentation.GetDisplayNode().GetVisibility2DFill()


def test_volumes_are_compressed_nrrd(a_scene: Any, a_picture: Volume, a_volume_node: Any, tmp_path: Path) -> None:
    add_volume_node(a_scene, a_picture)
    save_scene(a_scene, tmp_path / "a.mrb")
    with zipfile.ZipFile(tmp_path / "a.mrb") as bundle:
        for name in ("ct", "photo"):
            [member] = [entry for entry in bundle.namelist() if entry.endswith(f"Data/{name}.nrrd")]
            assert b"encoding: gzip" in bundle.read(member)


def test_nothing_is_left_in_the_working_folder(
    a_scene: Any, a_volume_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    save_scene(a_scene, tmp_path / "a.mrb")
    save_scene(a_scene, "b.mrb")
    assert [path.name for path in work.iterdir()] == ["b.mrb"]


def test_existing_file_is_replaced(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    node = written_segments(a_scene, a_volume_node, a_result)
    for name in ("a.seg.nrrd", "a.mrb"):
        (tmp_path / name).write_text("old")
    save_segmentation(node, tmp_path / "a.seg.nrrd")
    save_scene(a_scene, tmp_path / "a.mrb")
    assert (tmp_path / "a.seg.nrrd").read_bytes().startswith(b"NRRD")
    assert zipfile.is_zipfile(tmp_path / "a.mrb")


def test_wrong_endings_are_refused(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    node = written_segments(a_scene, a_volume_node, a_result)
    for name in ("a.nrrd", ".seg.nrrd", "a.seg.nrrd.gz"):
        with pytest.raises(MedCLIPSegError, match=r"\.seg\.nrrd"):
            save_segmentation(node, tmp_path / name)
    with pytest.raises(MedCLIPSegError, match=r"\.mrb"):
        save_scene(a_scene, tmp_path / "a.mrml")
    assert list(tmp_path.iterdir()) == []


def test_scene_that_could_not_be_loaded_is_refused(a_scene: Any, a_volume_node: Any, tmp_path: Path) -> None:
    (tmp_path / "a.mrb").write_text("old")
    a_volume_node.SetName("CT & PET")
    with pytest.raises(MedCLIPSegError, match="“&”"):
        save_scene(a_scene, tmp_path / "a.mrb")
    assert (tmp_path / "a.mrb").read_text() == "old"


def test_volume_with_an_ampersand_can_be_saved(
    a_scene: Any, a_volume: Volume, another_session: HeadlessScene, tmp_path: Path
) -> None:
    add_volume_node(a_scene, Volume(a_volume.voxels, a_volume.ijk_to_ras, "CT & PET"))
    save_scene(a_scene, tmp_path / "a.mrb")
    load_scene(another_session.scene, tmp_path / "a.mrb")
    assert another_session.scene.GetFirstNodeByName("CT + PET") is not None


def test_missing_folder_is_an_error(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    node = written_segments(a_scene, a_volume_node, a_result)
    with pytest.raises(MedCLIPSegError, match="nowhere"):
        save_segmentation(node, tmp_path / "nowhere" / "a.seg.nrrd")
    with pytest.raises(MedCLIPSegError, match="nowhere"):
        save_scene(a_scene, tmp_path / "nowhere" / "a.mrb")


def test_name_the_file_system_refuses_is_an_error(a_scene: Any, a_volume_node: Any, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="can't be written"):
        save_scene(a_scene, tmp_path / ("a" * 300 + ".mrb"))
    assert list(tmp_path.iterdir()) == []


def test_target_that_is_a_folder_is_an_error_and_stays(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    node = written_segments(a_scene, a_volume_node, a_result)
    for name in ("a.seg.nrrd", "a.mrb"):
        (tmp_path / name).mkdir()
    with pytest.raises(MedCLIPSegError, match=r"a\.seg\.nrrd"):
        save_segmentation(node, tmp_path / "a.seg.nrrd")
    with pytest.raises(MedCLIPSegError, match=r"a\.mrb"):
        save_scene(a_scene, tmp_path / "a.mrb")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mrb", "a.seg.nrrd"]


def test_segmentation_that_cannot_be_written_is_an_error(a_scene: Any, tmp_path: Path) -> None:
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "surfaces only")
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    with pytest.raises(MedCLIPSegError, match="can't be written"):
        save_segmentation(node, tmp_path / "a.seg.nrrd")
    assert list(tmp_path.iterdir()) == []
