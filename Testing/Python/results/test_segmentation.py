"""What a script gets of ``segment``: arrays, sizes, a picture, and the files of the command line only when asked."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import write_series
from PIL import Image

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic import Models, Segmentation, Segmentations, segment
from MedCLIPSegLogic.errors import MedCLIPSegError, MissingModelError
from MedCLIPSegLogic.scene.volumes import volume_from_node
from MedCLIPSegLogic.volumes.volume import Volume

Call = Callable[..., int]
OPTIONS: dict[str, Any] = {"samples": 2, "threshold": 0.45}
WORDS = ("--samples", "2", "--threshold", "0.45")
written: list[str] = []
is_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if is_watching and event == "open" and isinstance(arguments[0], (str, bytes)):
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and os.fsdecode(arguments[0]) != os.devnull:
            written.append(os.fsdecode(arguments[0]))
    elif is_watching and event in ("os.mkdir", "os.rename"):
        written.append(str(arguments[0]))


sys.addaudithook(_watch)  # there is no way to take one back


@contextmanager
def watching() -> Iterator[list[str]]:
    """Files and folders that are opened for writing or made meanwhile."""
    global is_watching
    written.clear()
    is_watching = True
    try:
        yield written
    finally:
        is_watching = False


@pytest.fixture
def an_image(a_volume: Volume, tmp_path: Path) -> Path:
    """An oblique volume in a file."""
    path = tmp_path / "case.nii.gz"
    nib.save(nib.Nifti1Image(a_volume.voxels.transpose(2, 1, 0), a_volume.ijk_to_ras), path)
    return path


def test_nothing_is_written_until_it_is_saved_and_then_what_the_command_line_writes(
    an_image: Path, a_model_folder: Path, tmp_path: Path, call: Call
) -> None:
    models = Models()
    segment(an_image, "tumor", model=a_model_folder, models=models, **OPTIONS).plot()  # libraries are loaded
    before = sorted(tmp_path.rglob("*"))
    with watching() as touched:
        made = segment(an_image, "tumor", model=a_model_folder, models=models, **OPTIONS)
        assert made.plot().axes
        assert made._repr_html_()
    assert touched == []
    assert sorted(tmp_path.rglob("*")) == before
    assert "files" not in made.record

    saved, by_command = tmp_path / "saved", tmp_path / "by-command"
    with watching() as touched:
        record = made.save(saved)
    assert touched
    options = ("--prompt", "tumor", "--model", a_model_folder, *WORDS)
    assert call("segment", an_image, "--out", by_command, *options) == 0
    names = sorted(path.name for path in by_command.iterdir())
    assert sorted(path.name for path in saved.iterdir()) == names == record["files"] == made.record["files"]
    for name in names:
        ours, theirs = saved / name, by_command / name
        if name == "run.json":
            first, second = (json.loads(path.read_text()) for path in (ours, theirs))
            assert first == record
            assert first | {"seconds": 0} == second | {"seconds": 0}
        elif name == "scene.mrb":
            contents = [{Path(part).name for part in zipfile.ZipFile(path).namelist()} for path in (ours, theirs)]
            assert contents[0] == contents[1]
        elif name == "segmentation.seg.nrrd":  # the segment has an identifier by chance
            images = [sitk.ReadImage(str(path)) for path in (ours, theirs)]
            assert sitk.Hash(images[0]) == sitk.Hash(images[1])
        else:
            assert ours.read_bytes() == theirs.read_bytes(), name
    with pytest.raises(MedCLIPSegError, match="already holds results"):
        made.save(saved)
    made.save(saved, overwrite=True)

    tumor = made["tumor"]
    assert (tumor.verdict.kind, tumor.mean_uncertainty) == ("doubtful", record["results"][0]["mean_uncertainty"])
    for array, file in ((tumor.probability, "tumor.probability.nrrd"), (tumor.uncertainty, "tumor.uncertainty.nrrd")):
        np.testing.assert_array_equal(array, sitk.GetArrayFromImage(sitk.ReadImage(str(saved / file))))
    assert tumor.probability is not None
    np.testing.assert_array_equal(tumor.mask, tumor.probability > 0.45)
    voxel = np.prod(sitk.ReadImage(str(saved / "tumor.probability.nrrd")).GetSpacing())
    assert 0 < tumor.mask.sum() == tumor.voxels
    assert tumor.volume_ml == pytest.approx(tumor.voxels * voxel / 1000, abs=1e-6)
    assert tumor.area_mm2 is None
    assert (list(made), len(made), "tumor" in made, "lung" in made) == (["tumor"], 1, True, False)
    with pytest.raises(KeyError, match="lung; the prompts are tumor"):
        made["lung"]


def test_an_image_gives_the_same_from_a_file_from_memory_and_from_a_scene(
    an_image: Path, a_model_folder: Path, tmp_path: Path
) -> None:
    session = create_scene()
    node = session.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = session.scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(an_image))
    assert storage.ReadData(node)
    by_itk = sitk.ReadImage(str(an_image))
    images = (an_image, str(an_image), by_itk, nib.load(an_image), node)
    models = Models()
    results = [segment(image, ["tumor"], model=a_model_folder, models=models, **OPTIONS) for image in images]
    for made in results:
        np.testing.assert_array_equal(made["tumor"].mask, results[0]["tumor"].mask)
        np.testing.assert_allclose(made["tumor"].probability, results[0]["tumor"].probability, atol=1e-6)
        assert made["tumor"].volume_ml == pytest.approx(results[0]["tumor"].volume_ml, rel=1e-5)
        made.save(tmp_path / "out", overwrite=True)
        saved = sitk.ReadImage(str(tmp_path / "out" / "tumor.probability.nrrd"))
        for name in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
            np.testing.assert_allclose(getattr(saved, name)(), getattr(by_itk, name)(), atol=1e-5)
    array = sitk.GetArrayFromImage(by_itk)
    made = segment(array, "tumor", model=a_model_folder, spacing=by_itk.GetSpacing()[::-1], models=models, **OPTIONS)
    np.testing.assert_array_equal(made["tumor"].mask, results[0]["tumor"].mask)
    assert made["tumor"].volume_ml == pytest.approx(results[0]["tumor"].volume_ml, rel=1e-5)
    with pytest.raises(MedCLIPSegError, match="has a spacing of its own"):
        segment(node, "tumor", spacing=(1, 1, 1))


def test_an_area_is_told_where_the_pixels_were_measured(a_picture: Volume, a_model_folder: Path) -> None:
    for spacing in (None, (0.5, 0.2)):
        made = segment(a_picture.voxels[0], "tumor", model=a_model_folder, spacing=spacing, **OPTIONS)["tumor"]
        assert made.voxels > 0
        assert made.volume_ml is None
        assert made.area_mm2 == (None if spacing is None else pytest.approx(made.voxels * 0.1))


@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "uint64", ">i2"])
def test_arrays_of_any_real_type_are_saved(dtype: str, a_model_folder: Path, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 100, (3, 24, 32)).astype(dtype)
    files = segment(array, "tumor", model=a_model_folder, **OPTIONS).save(tmp_path / "out")["files"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    session = create_scene()
    assert session.scene.ReadFromMRB(str(tmp_path / "out" / "scene.mrb"))
    volumes = session.scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    names = [volumes.GetItemAsObject(number).GetName() for number in range(volumes.GetNumberOfItems())]
    np.testing.assert_array_equal(volume_from_node(volumes.GetItemAsObject(names.index("image"))).voxels, array)


def test_what_is_held_back_has_no_size() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    made = segment(noise, "zebra", spacing=(1, 1), samples=1)
    assert made["zebra"].verdict.is_unknown
    assert (made["zebra"].voxels, made["zebra"].mask.any()) == (0, False)
    assert made["zebra"].area_mm2 is made["zebra"].volume_ml is made["zebra"].mean_uncertainty is None
    assert made["zebra"].probability is made["zebra"].uncertainty is None
    assert "not outlined" in repr(made)


def test_notebooks_show_the_numbers_and_the_picture(an_image: Path, a_model_folder: Path) -> None:
    made = segment(an_image, ["tumor", "<b>a & b</b>"], model=a_model_folder, **OPTIONS)
    html = made._repr_html_()
    assert "&lt;b&gt;a &amp; b&lt;/b&gt;" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 3
    assert f"{made['tumor'].volume_ml:.2f} ml" in html
    assert 'src="data:image/png;base64,' in html
    assert made.plot()._repr_png_().startswith(b"\x89PNG")


def test_several_images_are_segmented_though_one_cannot_be_read(
    an_image: Path,
    a_model_folder: Path,
    tmp_path: Path,
    call: Call,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    nib.save(nib.load(an_image), folder / "Case.nii")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)).save(folder / "case.png")
    (folder / "broken.nii.gz").write_bytes(an_image.read_bytes()[:200])
    (folder / "readme.txt").write_text("no image")
    (folder / ".hidden.png").write_text("no image")
    steps: list[float] = []
    made = segment(folder, "tumor", model=a_model_folder, progress=lambda step: steps.append(step.fraction), **OPTIONS)
    assert isinstance(made, Segmentations)
    assert list(made) == ["Case", "case-2"]
    assert list(made.failed) == ["broken"]
    assert "broken.nii.gz could not be read" in made.failed["broken"]
    assert made["Case"]["tumor"].mask.shape == nib.load(an_image).shape[::-1]
    assert made["case-2"].record["input"] == str(folder / "case.png")
    assert steps == sorted(steps)
    assert steps[-1] == 1
    with pytest.raises(KeyError, match="could not be segmented"):
        made["broken"]
    assert made._repr_html_().count("<tr>") == 4

    images = sorted(folder.glob("[!.]*.[np]*"))
    written = segment(iter(images), "tumor", tmp_path / "out", a_model_folder, **OPTIONS)
    assert isinstance(written, Segmentations)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(written) == ["Case", "case-2"]
    assert written["Case"]["tumor"].volume_ml == made["Case"]["tumor"].volume_ml
    assert json.loads((tmp_path / "out" / "Case" / "run.json").read_text()) == written["Case"].record
    for access in (lambda: written["Case"]["tumor"].mask, written["Case"].plot):
        with pytest.raises(MedCLIPSegError, match="not kept in memory"):
            access()
    with pytest.raises(MedCLIPSegError, match="Case already holds results"):
        segment(images, "tumor", tmp_path / "out", a_model_folder, **OPTIONS)

    for arguments in ((folder,), images):
        out = ("--out", tmp_path / "out", "--overwrite", "--json")
        code = call("segment", *arguments, *out, "--prompt", "tumor", "--model", a_model_folder, *WORDS)
        told = capsys.readouterr()
        assert code == 2
        assert re.search(r"broken: .*broken\.nii\.gz could not be read.*\n2 of 3 images were segmented\.", told.err)
        assert set(json.loads(told.out)["images"]) == {"Case", "case-2"}


def test_a_folder_of_dicom_is_one_image_and_arrays_are_counted(a_model_folder: Path, tmp_path: Path) -> None:
    series, voxels = tmp_path / "series", np.random.default_rng(1).integers(0, 500, (4, 24, 32), dtype=np.int16)
    series.mkdir()
    write_series(series, voxels, np.diag([-0.5, -0.5, 4.0, 1.0]))
    for path in series.iterdir():
        path.rename(path.with_suffix(""))
    (series / "preview.png").write_bytes(b"")
    one = segment(series, "tumor", model=a_model_folder, **OPTIONS)
    assert isinstance(one, Segmentation)
    assert one["tumor"].mask.shape == (4, 24, 32)
    several = segment([series, voxels, voxels[0]], "tumor", model=a_model_folder, **OPTIONS)
    assert list(several) == ["series", "image", "image-2"]


def test_what_is_wrong_with_all_images_is_an_error(an_image: Path, a_model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="no image to segment"):
        segment([], "tumor")
    with pytest.raises(MedCLIPSegError, match=r"gone\.png does not exist"):
        segment([tmp_path / "gone.png", 5], "tumor", model=a_model_folder)
    with pytest.raises(MedCLIPSegError, match="The prompt is empty"):
        segment([an_image, an_image], "", model=a_model_folder)
    with pytest.raises(MissingModelError):
        segment([an_image, tmp_path / "gone.png"], "tumor", model="unimedclip")
    with pytest.raises(MedCLIPSegError, match="one image"):
        segment([an_image], "tumor", model=a_model_folder, truth=np.zeros((5, 40, 28), bool))
