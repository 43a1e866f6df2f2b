"""Exports into a folder: complete, or nothing at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from full_disk import full_disk
from killing import killed_at_every_rename
from nifti_headers import write_header
from scene_samples import SHAPE, MakeResult, box

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.export_set import ExportChoice, Format, earlier_files, export_results
from MedCLIPSegLogic.scene.geometry import vtk_matrix
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import segment_mask
from MedCLIPSegLogic.scene.tags import segment_record
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

EVERYTHING = frozenset({"seg.nrrd", "nii.gz", "nrrd", "stl"})


@pytest.fixture
def written(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> SceneResult:
    return write_result(a_scene, a_volume_node, a_result)


def choice(written: SceneResult, *formats: str, maps: bool = False) -> ExportChoice:
    return ExportChoice(written.segment_ids, frozenset(formats or EVERYTHING), maps)  # type: ignore[arg-type]


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    return record


def loaded(scene: Any, path: Path) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_the_file_of_the_image_leaves_open_is_in_the_record(
    written: SceneResult, a_volume_node: Any, tmp_path: Path
) -> None:
    a_volume_node.AddDefaultStorageNode()
    a_volume_node.GetStorageNode().SetFileName(str(write_header(tmp_path / "ct.nii")))
    export_results(written.segmentation, a_volume_node, choice(written, "nrrd"), tmp_path / "out")
    assert "check which side is left" in record_of(tmp_path / "out")["notes"][0]


def test_everything_is_there_and_in_the_record(
    written: SceneResult, a_result: SegmentationResult, a_volume_node: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "case"
    files = export_results(written.segmentation, a_volume_node, choice(written, maps=True), folder)
    expected = {"ct.seg.nrrd", "ct-labels.labels.csv", "liver.stl", "lesion.stl", "export.json"}
    for name in ("liver", "lesion", "unicorn"):
        expected |= {f"ct-labels_{name}.nii.gz", f"ct-labels_{name}.nrrd"}
        expected |= {f"{name}.probability.nii.gz", f"{name}.uncertainty.nii.gz"}
    assert names_in(folder) == expected == {path.name for path in files}
    exported = read_volume(folder / "liver.probability.nii.gz")
    np.testing.assert_array_equal(exported.voxels, a_result.prompts[0].probability)
    np.testing.assert_allclose(exported.ijk_to_ras, a_result.volume.ijk_to_ras, atol=1e-5)
    assert files[-1] == folder / "export.json"
    record = record_of(folder)
    assert set(record["files"]) == expected - {"export.json"}
    assert set(record["segments"][1]["files"]) == {
        "ct.seg.nrrd",
        "ct-labels_lesion.nii.gz",
        "ct-labels_lesion.nrrd",
        "lesion.stl",
        "lesion.probability.nii.gz",
        "lesion.uncertainty.nii.gz",
    }
    assert record["notes"] == [
        "Segments overlap, so there is one nii.gz file for each of them.",
        "Segments overlap, so there is one nrrd file for each of them.",
        "“unicorn” is empty, or too small for a surface, and has no .stl file.",
    ]
    assert names_in(tmp_path) == {"new"}
    assert names_in(tmp_path / "new") == {"case"}


def test_segmentation_file_holds_the_chosen_segments_only(
    a_scene: Any, written: SceneResult, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    chosen = ExportChoice((written.segment_ids[2], written.segment_ids[1]), frozenset({"seg.nrrd"}), False)
    export_results(written.segmentation, a_volume_node, chosen, tmp_path / "out")
    node = loaded(a_scene, tmp_path / "out" / "ct.seg.nrrd")
    segmentation = node.GetSegmentation()
    assert {segmentation.GetNthSegment(i).GetName() for i in range(2)} == {"unicorn", "lesion"}
    assert segmentation.GetNumberOfSegments() == 2
    for number in (1, 2):
        segment_id = segmentation.GetSegmentIdBySegmentName(a_result.prompts[number].name)
        mask = segment_mask(node, segment_id, a_volume_node)
        np.testing.assert_array_equal(mask, a_result.prompts[number].mask)
        original = written.segmentation.GetSegmentation().GetSegment(written.segment_ids[number])
        assert segment_record(segmentation.GetSegment(segment_id)) == segment_record(original)


def test_empty_segment_alone_can_be_exported(
    a_scene: Any, written: SceneResult, a_volume_node: Any, tmp_path: Path
) -> None:
    chosen = ExportChoice((written.segment_ids[2],), EVERYTHING, False)  # type: ignore[arg-type]
    export_results(written.segmentation, a_volume_node, chosen, tmp_path / "out")
    assert not sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / "ct-labels.nrrd"))).any()
    node = loaded(a_scene, tmp_path / "out" / "ct.seg.nrrd")
    assert node.GetSegmentation().GetNthSegment(0).GetName() == "unicorn"
    assert "unicorn.stl" not in names_in(tmp_path / "out")


def test_transforms_are_left_out_and_it_is_said(
    a_scene: Any, written: SceneResult, a_volume_node: Any, tmp_path: Path
) -> None:
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(vtk_matrix(np.diag([1.0, 1.0, 1.0, 1.0]) + np.eye(4, k=3) * 9))
    a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    written.segmentation.SetAndObserveTransformNodeID(transform.GetID())
    export_results(written.segmentation, a_volume_node, choice(written, "seg.nrrd"), tmp_path / "out")
    record = record_of(tmp_path / "out")
    assert record["image"]["parent_transform_left_out"]
    assert "transform of the image was left out" in record["notes"][0]
    assert len(record["notes"]) == 1
    written.segmentation.SetAndObserveTransformNodeID(None)
    export_results(written.segmentation, a_volume_node, choice(written, "seg.nrrd"), tmp_path / "other")
    assert "different transforms" in record_of(tmp_path / "other")["notes"][1]


def test_tilted_image_gets_maps_in_nrrd(
    a_scene: Any, a_volume: Volume, make_result: MakeResult, tmp_path: Path
) -> None:
    matrix = a_volume.ijk_to_ras.copy()
    matrix[:3, 2] += 0.3 * matrix[:3, 1]
    volume = Volume(a_volume.voxels, matrix, "tilted")
    node = add_volume_node(a_scene, volume)
    written = write_result(
        a_scene, node, make_result({"liver": box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))}, volume)
    )
    export_results(written.segmentation, node, choice(written, "nrrd", maps=True), tmp_path / "out")
    assert "liver.probability.nrrd" in names_in(tmp_path / "out")
    with pytest.raises(MedCLIPSegError, match="slices are tilted"):
        export_results(written.segmentation, node, choice(written, "nii.gz"), tmp_path / "no")
    assert names_in(tmp_path) == {"out"}


def test_missing_maps_are_noted(a_scene: Any, written: SceneResult, a_volume_node: Any, tmp_path: Path) -> None:
    a_scene.RemoveNode(written.uncertainty_maps[0])
    export_results(written.segmentation, a_volume_node, ExportChoice(written.segment_ids, frozenset(), True), tmp_path)
    assert record_of(tmp_path)["notes"] == ["There is no uncertainty map of “liver”."]
    assert "liver.uncertainty.nii.gz" not in names_in(tmp_path)


def test_export_is_replaced_as_a_whole_only_when_told(written: SceneResult, a_volume_node: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    export_results(written.segmentation, a_volume_node, choice(written), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(MedCLIPSegError, match=r"already holds an export \(ct-labels.labels.csv, .*, …\)"):
        export_results(written.segmentation, a_volume_node, choice(written, "nrrd"), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    export_results(written.segmentation, a_volume_node, choice(written, "seg.nrrd"), tmp_path, overwrite=True)
    assert names_in(tmp_path) == {"notes.txt", "ct.seg.nrrd", "export.json"}


def test_foreign_file_is_never_replaced(written: SceneResult, a_volume_node: Any, tmp_path: Path) -> None:
    (tmp_path / "ct.seg.nrrd").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(MedCLIPSegError, match=r"ct\.seg\.nrrd"):
            export_results(written.segmentation, a_volume_node, choice(written), tmp_path, overwrite)
    assert names_in(tmp_path) == {"ct.seg.nrrd"}
    assert (tmp_path / "ct.seg.nrrd").read_text() == "mine"


def test_full_disk_leaves_nothing_behind(written: SceneResult, a_volume_node: Any, tmp_path: Path) -> None:
    for kind in sorted(EVERYTHING):
        with pytest.raises(MedCLIPSegError) as caught, full_disk():
            export_results(written.segmentation, a_volume_node, choice(written, kind), tmp_path / "out")
        assert ".part" not in str(caught.value)
        assert "\n" not in str(caught.value)
        assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_is_one_sentence(written: SceneResult, a_volume_node: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc/out")):
        with pytest.raises(MedCLIPSegError, match=str(folder.parent)):
            export_results(written.segmentation, a_volume_node, choice(written), folder)
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_chosen_or_gone_is_an_error(written: SceneResult, a_volume_node: Any, tmp_path: Path) -> None:
    for chosen in (ExportChoice((), EVERYTHING, True), ExportChoice(written.segment_ids, frozenset(), False)):  # type: ignore[arg-type]
        with pytest.raises(MedCLIPSegError, match="Nothing is chosen"):
            export_results(written.segmentation, a_volume_node, chosen, tmp_path / "out")
    gone = choice(written)
    written.segmentation.GetSegmentation().RemoveSegment(written.segment_ids[0])
    with pytest.raises(MedCLIPSegError, match="has no labelmap"):
        export_results(written.segmentation, a_volume_node, gone, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def export_again(result: SegmentationResult, formats: frozenset[Format], folder: Path) -> None:
    session = create_scene()
    node = add_volume_node(session.scene, result.volume)
    written = write_result(session.scene, node, result)
    export_results(written.segmentation, node, ExportChoice(written.segment_ids, formats, False), folder, True)


@pytest.mark.slow
def test_an_export_is_whole_wherever_its_process_is_killed(
    written: SceneResult, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    folder = tmp_path / "case"
    before: frozenset[Format] = frozenset({"seg.nrrd", "stl"})
    after: frozenset[Format] = frozenset({"seg.nrrd", "nii.gz"})

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        export_results(written.segmentation, a_volume_node, choice(written, *before), folder)
        (folder / "notes").write_text("mine")

    prepare()
    states = [names_in(folder)]
    export_again(a_result, after, folder)
    states.append(names_in(folder))
    found = []
    for _ in killed_at_every_rename(export_again, a_result, after, folder, prepare=prepare):
        earlier_files(folder)
        assert names_in(folder) == {*record_of(folder)["files"], "export.json", "notes"}
        found.append(states.index(names_in(folder)))
    assert found == sorted(found)
    assert set(found) == {0, 1}
    assert len(found) > 2 * (len(states[0]) + len(states[1]))
