"""NIfTI headers against SimpleITK and against the storage node with which Slicer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from nifti_headers import ORIGIN, SHAPE, TURNS, form, qform, sform, write_header

from MedCLIPSegLab.results.headless_scene import HeadlessScene, create_scene
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.volumes import volume_from_node
from MedCLIPSegLogic.volumes.itk_images import image_matrix
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume, grid_corners

ELSEWHERE = form("oblique", (5.0, 6.0, 7.0))
NAN = float("nan")
HEADERS: dict[str, dict[str, Any]] = {
    **{f"qform {turn} {code}": qform(turn, code) for turn in TURNS for code in (1, 3)},
    **{f"sform {turn} {code}": sform(form(turn), code) for turn in TURNS for code in (1, 4)},
    **{f"both {turn} {code}": {**qform(turn), **sform(form(turn), code)} for turn in TURNS for code in (1, 2)},
    **{
        f"forms differ {q} {s} {turn}": {**qform(turn, q), **sform(ELSEWHERE, s)}
        for q in (0, 1, 2)
        for s in (0, 1, 2)
        for turn in ("ras", "coronal")
    },
    **{
        f"forms are mirrored {turn} {other}": {**qform(turn), **sform(form(other), 2)}
        for turn in ("ras", "las", "lps")
        for other in ("ras", "las", "lps")
    },
    "forms are mirrored obliquely": {**qform("oblique"), **sform(form("oblique", ORIGIN, (0.8, -0.9, 2.5)), 2)},
    "forms differ by rounding": {**qform("oblique"), **sform(form("oblique") + 3e-6, 2)},
    "a tilted sform beside a qform": {**qform("las"), **sform(form("las") + 0.2, 1)},
    "no sform but a code": {**qform("lps"), **sform(np.zeros((4, 4)), 1)},
    **{f"{unit} {kind}": {**fields, "xyzt_units": bits} for unit, bits in (("m", 1), ("micron", 3), ("s", 8), ("?", 5))
       for kind, fields in (("qform", qform("lps")), ("sform", sform(form("las"), 2)), ("neither", {}))},
    "negative codes": {"qform_code": -1, "sform_code": -1},
    "unknown code": qform("lps", 9),
    "sizes are negative": {"sizes": (-0.8, 0.9, -2.5)},
    "sizes are negative, qform": {**qform("lps"), "sizes": (-0.8, 0.9, 2.5)},
    "sizes are negative, sform": {**sform(form("las")), "sizes": (0.8, -0.9, 2.5)},
    "sizes are 0": {**qform("lps"), "sizes": (0.8, 0, 2.5)},
    "sizes are no numbers": {**qform("lps"), "sizes": (NAN, 0.9, np.inf)},
    "sizes differ from the sform": {**sform(form("las")), "sizes": (1, 1, 1)},
    "handedness 0": {**qform("ras"), "qfac": 0.0},
    "handedness -0.5": {**qform("ras"), "qfac": -0.5},
    "quaternion too long by rounding": {**qform("ras"), "quatern_c": 1.0, "quatern_d": 0.0008},
    "quaternion too long": {**qform("ras"), "quatern_b": 1.0, "quatern_c": 1.0, "quatern_d": 0.5},
    "half a turn by rounding": {**qform("ras"), "quatern_c": np.sqrt(np.float32(1 - 8e-8))},
    "quaternion no number": {**qform("ras"), "quatern_b": NAN},
    "origin no number": {**qform("lps"), "qoffset_y": NAN},
    **{f"shape {shape}": {**qform("las"), **sform(form("las"), 2), "shape": shape}
       for shape in ((4, 5), (4, 5, 1), (4, 5, 6, 1), (4, 5, 6, 1, 1), (4, 5, 6, 1, 1, 1, 1))},
    "two dimensions without a form": {"shape": (4, 5)},
    "two dimensions, tilted": {**sform(form("oblique")), "shape": (4, 5)},
    "big endian": {**qform("coronal"), **sform(ELSEWHERE, 2), "dtype": ">i2"},
    **{f"slope {slope}, intercept {intercept}": {**qform("lps"), "scl_slope": slope, "scl_inter": intercept}
       for slope in (0, 1, 2, -1, NAN, np.inf) for intercept in (0, 3, NAN)},
    "voxels at 0": {**qform("lps"), "vox_offset": 0},
    "voxels nowhere": {**qform("lps"), "vox_offset": NAN},
}  # fmt: skip


@pytest.fixture(scope="module")
def a_session() -> HeadlessScene:
    return create_scene()


def loaded(session: HeadlessScene, path: Path) -> Volume:
    """The volume as Slicer loads it and the panel takes it."""
    node = session.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = session.scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    storage.SetSingleFile(1)
    assert storage.ReadData(node)
    node.SetAndObserveStorageNodeID(storage.GetID())
    return volume_from_node(node)


def counted_upwards(volume: Volume, like: Volume) -> Volume:
    """The volume with its slices in the order of another one; Slicer turns left-handed stacks round."""
    if np.dot(volume.ijk_to_ras[:3, 2], like.ijk_to_ras[:3, 2]) > 0:
        return volume
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 3] += (volume.shape[0] - 1) * matrix[:3, 2]
    matrix[:3, 2] *= -1
    return Volume(volume.voxels[::-1], matrix, volume.name)


@pytest.mark.parametrize("fields", HEADERS.values(), ids=HEADERS)
def test_command_line_and_panel_put_every_voxel_where_itk_puts_it(
    a_session: HeadlessScene, tmp_path: Path, fields: dict[str, Any]
) -> None:
    path = write_header(tmp_path / "a.nii", **fields)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    vtk.vtkObject.GlobalWarningDisplayOff()
    ours, image = read_volume(path), sitk.ReadImage(str(path))
    theirs = Volume(sitk.GetArrayFromImage(image).reshape(ours.shape), image_matrix(image), "itk")
    for other in (theirs, counted_upwards(loaded(a_session, path), ours)):
        np.testing.assert_allclose(other.voxels, ours.voxels, rtol=1e-6)
        apart = grid_corners(other.ijk_to_ras, ours.shape) - grid_corners(ours.ijk_to_ras, ours.shape)
        assert np.abs(apart).max() < 1e-3 * max(ours.spacing)


@pytest.mark.parametrize(
    ("fields", "notes"),
    [
        ({**qform("lps"), **sform(form("lps"), 2)}, ()),
        ({**qform("oblique"), **sform(form("oblique") + 1e-5, 2)}, ()),
        ({}, ("does not say where the image lies in the patient",)),
        ({**qform("las"), **sform(form("las", (15, -20, 30)), 2)}, ("up to 5 mm apart; its qform",)),
        ({**qform("las"), **sform(form("las", (15, -20, 30)), 1)}, ("up to 5 mm apart; its sform",)),
        ({**sform(form("lps")), "sizes": (0.8, 0.9, 3.5)}, ("up to 5 mm apart; its sform",)),
        ({**sform(form("lps", sizes=(800, 900, 2500))), "sizes": (800, 900, 3500), "xyzt_units": 3}, ("up to 5 mm",)),
    ],
)
def test_notes_tell_what_the_header_leaves_open(
    a_session: HeadlessScene, tmp_path: Path, fields: dict[str, Any], notes: tuple[str, ...]
) -> None:
    for name, packed in (("a.nii", False), ("a.nii.gz", True)):
        path = write_header(tmp_path / name, packed=packed, **fields)
        told = read_volume(path).notes
        assert len(told) == len(notes)
        assert all(wanted in note and note.endswith(".") for wanted, note in zip(notes, told, strict=True))
        vtk.vtkObject.GlobalWarningDisplayOff()
        assert loaded(a_session, path).notes == told


def test_notes_of_a_file_that_is_gone_or_damaged_are_none(a_session: HeadlessScene, tmp_path: Path) -> None:
    path = write_header(tmp_path / "a.nii")
    node = a_session.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = a_session.scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    node.SetAndObserveStorageNodeID(storage.GetID())
    assert volume_from_node(node).notes
    path.write_bytes(b"\x1f\x8b" + bytes(900))
    assert volume_from_node(node).notes == ()
    path.unlink()
    assert volume_from_node(node).notes == ()


def test_a_tilted_sform_alone_is_kept(tmp_path: Path) -> None:
    tilted = form("lps")
    tilted[1, 2] = 0.9
    read = read_volume(write_header(tmp_path / "a.nii", **sform(tilted)))
    np.testing.assert_allclose(read.ijk_to_ras, tilted, rtol=1e-6)
    assert not read.notes


def test_an_upright_plane_of_two_dimensions_keeps_its_form(tmp_path: Path) -> None:
    read = read_volume(write_header(tmp_path / "a.nii", (4, 5), **sform(form("coronal"))))
    np.testing.assert_allclose(read.ijk_to_ras, form("coronal"), rtol=1e-6)


def test_compression_shows_in_the_content_not_in_the_name(tmp_path: Path) -> None:
    for name, packed in (("a.nii.gz", False), ("a.nii", True)):
        read = read_volume(write_header(tmp_path / name, packed=packed, **qform("lps")))
        np.testing.assert_array_equal(read.voxels.ravel(), np.arange(120))
        assert read.name == "a"


def test_second_version_of_the_format_has_the_same_rules(tmp_path: Path) -> None:
    fields = {**qform("las"), **sform(ELSEWHERE, 2)}
    first = read_volume(write_header(tmp_path / "1.nii", **fields))
    second = read_volume(write_header(tmp_path / "2.nii", kind=nib.Nifti2Header, **fields))
    np.testing.assert_allclose(second.ijk_to_ras, first.ijk_to_ras, rtol=1e-6)
    assert second.notes == first.notes


def test_ordinary_files_keep_the_matrix_of_their_form_to_the_last_digit(tmp_path: Path) -> None:
    for turn in TURNS:
        image = nib.Nifti1Image(np.zeros(SHAPE, np.int16), form(turn))
        for codes in ((1, 1), (1, 2), (0, 2), (1, 0)):
            image.set_qform(form(turn) if codes[0] else None, codes[0])
            image.set_sform(form(turn) if codes[1] else None, codes[1])
            image.to_filename(tmp_path / "a.nii")
            np.testing.assert_array_equal(
                read_volume(tmp_path / "a.nii").ijk_to_ras, nib.load(tmp_path / "a.nii").affine
            )


def test_colors_along_the_fifth_axis_are_colors(tmp_path: Path) -> None:
    path = write_header(tmp_path / "a.nii", (4, 5, 2, 1, 3), dtype="|u1", intent_code=1007, **qform("lps"))
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    np.testing.assert_array_equal(read_volume(path).voxels, expected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": (7, 4, 4, 4, 32767, 32767, 32767, 32767)}, "holds several volumes"),
        ({"dim": (3, 1000, 1000, 900, 1, 1, 1, 1), "datatype": 64}, "holds fewer voxels than its header says"),
        ({"dim": (3, -4, 5, 6, 1, 1, 1, 1)}, "holds no voxels"),
        ({"dim": (0, 4, 5, 6, 1, 1, 1, 1)}, "could not be read as NIfTI"),
        ({"dim": (9, 4, 5, 6, 1, 1, 1, 1)}, "could not be read as NIfTI"),
        ({"datatype": 1}, "could not be read as NIfTI"),
        ({"datatype": 999}, "could not be read as NIfTI"),
        ({"vox_offset": 3e38}, "could not be read as NIfTI"),
        ({"vox_offset": 1e6}, "holds fewer voxels than its header says"),
    ],
)
def test_headers_that_lie_are_refused_in_one_sentence(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    for packed in (False, True):
        path = write_header(tmp_path / "a.nii", packed=packed, **fields)
        with pytest.raises(MedCLIPSegError, match=r"a\.nii (holds|could not)") as caught:
            read_volume(path)
        assert message in str(caught.value) or (packed and "vox_offset" in fields)
        assert "\n" not in str(caught.value)
