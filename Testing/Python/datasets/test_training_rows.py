"""Cases added to training sets, read back by what trains and evaluates."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from full_disk import full_disk
from numpy.typing import NDArray

from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLab.evaluation.evaluate import evaluate
from MedCLIPSegLab.training.data import load_set
from MedCLIPSegLogic.datasets.sheets import read_sheet
from MedCLIPSegLogic.datasets.writing import append_training_row
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

AWKWARD = ['a|b, "c"', "two\nlines", "=1+1", "left 肾 – ß", "word " * 100]


def mask_of(volume: Volume) -> NDArray[np.uint8]:
    mask = np.zeros(volume.shape, np.uint8)
    mask[..., 5:20, 8:22] = 1
    return mask


def tilted(volume: Volume) -> Volume:
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 2] += 0.3 * matrix[:3, 1]
    return Volume(volume.voxels, matrix, "tilted")


def colored(volume: Volume) -> Volume:
    voxels = np.random.default_rng(2).integers(0, 256, (*volume.shape, 3), dtype=np.uint8)
    return Volume(voxels, volume.ijk_to_ras, "colored")


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["volume", "tilted", "colored"])
def test_volume_comes_back_whole(a_volume: Volume, tmp_path: Path, kind: str) -> None:
    image = {"volume": lambda v: v, "tilted": tilted, "colored": colored}[kind](a_volume)
    sheet = append_training_row(tmp_path / "set", "Train", image, mask_of(image), "a tumor")
    [row] = read_sheet(sheet)
    base = tmp_path / "set" / "Train_Folder"
    read = read_volume(base / "img" / row.image)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    np.testing.assert_allclose(read.ijk_to_ras, image.ijk_to_ras, atol=1e-5)
    truth = read_truth(base / "label" / row.ground_truth, row.label_values, read)
    np.testing.assert_array_equal(truth, mask_of(image) > 0)
    if kind == "volume":
        other = nibabel.load(base / "img" / row.image)
        np.testing.assert_array_equal(np.asarray(other.dataobj).transpose(2, 1, 0), image.voxels)  # type: ignore[attr-defined]
        itk = sitk.ReadImage(str(base / "label" / row.ground_truth))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(itk), mask_of(image) * 255)


def test_color_picture_comes_back_whole(a_picture: Volume, tmp_path: Path) -> None:
    sheet = append_training_row(tmp_path, "Val", a_picture, mask_of(a_picture), "a nevus")
    assert sheet == tmp_path / "Prompts_Folder" / "Val_text.csv"
    assert sheet.read_text() == "Image,Description,Ground Truth\na-picture.png,a nevus,a-picture.png\n"
    read = read_volume(tmp_path / "Val_Folder" / "img" / "a-picture.png")
    np.testing.assert_array_equal(read.voxels, a_picture.voxels)
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "Val_Folder" / "label" / "a-picture.png")))
    np.testing.assert_array_equal(mask, mask_of(a_picture)[0] * 255)


def test_picture_of_more_than_8_bits_becomes_8_bit(tmp_path: Path) -> None:
    voxels = np.linspace(-1000, 3000, 48 * 64, dtype=np.float32).reshape(1, 48, 64)
    voxels[0, 0, 0] = np.nan
    image = Volume(voxels, PICTURE_IJK_TO_RAS, "x-ray", spacing_known=False)
    append_training_row(tmp_path, "Train", image, mask_of(image), "a lung")
    read = read_volume(tmp_path / "Train_Folder" / "img" / "x-ray.png").voxels
    assert read.dtype == np.uint8
    assert (np.diff(read.ravel()[1:].astype(int)) >= 0).all()
    assert np.ptp(read) == 255


def test_exported_set_trains_and_evaluates(
    a_picture: Volume, a_volume: Volume, a_model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    for prompt in ("a nevus", "another nevus"):
        append_training_row(folder, "Train", a_picture, mask_of(a_picture), prompt)
    sheet = append_training_row(folder, "Train", a_volume, mask_of(a_volume), "a tumor")
    loaded = load_set(folder, "Train", 32)
    assert loaded.image_count == 2
    assert sorted(set(loaded.prompts)) == ["a nevus", "a tumor", "another nevus"]
    [picture] = [item for item in loaded.items if item.is_picture]
    assert [text for text, _ in picture.targets] == ["a nevus", "another nevus"]
    assert all(target.any() and not target.all() for _, target in picture.targets)
    base = folder / "Train_Folder"
    metrics = evaluate(a_model_folder, base / "img", base / "label", sheet, tmp_path / "scores", samples=1)
    assert metrics["count"] == 3
    assert metrics["count_empty_truth"] == 0
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text())["count"] == 3


def test_same_image_is_stored_once_and_another_of_the_name_beside_it(a_picture: Volume, tmp_path: Path) -> None:
    other = Volume(255 - a_picture.voxels, a_picture.ijk_to_ras, a_picture.name, spacing_known=False)
    for image, prompt in ((a_picture, "one"), (a_picture, "two"), (other, "three"), (other, "four")):
        before = files_in(tmp_path)
        sheet = append_training_row(tmp_path, "Train", image, mask_of(image), prompt)
        after = files_in(tmp_path)
        assert {name: after[name] for name in before if not name.endswith(".csv")} == {
            name: content for name, content in before.items() if not name.endswith(".csv")
        }
    assert [(row.image, row.description, row.ground_truth) for row in read_sheet(sheet)] == [
        ("a-picture.png", "one", "a-picture.png"),
        ("a-picture.png", "two", "a-picture-2.png"),
        ("a-picture-2.png", "three", "a-picture-2-2.png"),
        ("a-picture-2.png", "four", "a-picture-2-3.png"),
    ]


def test_awkward_prompts_and_names_survive(a_picture: Volume, tmp_path: Path) -> None:
    image = Volume(a_picture.voxels, a_picture.ijk_to_ras, 'CT | "1"\n肾/..', spacing_known=False)
    for prompt in AWKWARD:
        sheet = append_training_row(tmp_path, "Test", image, mask_of(image), prompt)
    assert [row.description for row in read_sheet(sheet)] == [" ".join(prompt.split()) for prompt in AWKWARD]
    assert {path.parent.parent.name for path in tmp_path.rglob("*.png")} == {"Test_Folder"}


def test_rows_of_others_stay_as_they_are(a_picture: Volume, tmp_path: Path) -> None:
    sheet = tmp_path / "Prompts_Folder" / "Train_text.csv"
    sheet.parent.mkdir()
    old = '\ufeffDescription,Image,Ground Truth,Label Values\r\n  a b ,x.nii.gz,y.nii.gz,"1,2"'.encode()
    sheet.write_bytes(old)
    append_training_row(tmp_path, "Train", a_picture, mask_of(a_picture), "a nevus")
    assert sheet.read_bytes().startswith(old)
    assert [(row.image, row.description, row.label_values) for row in read_sheet(sheet)] == [
        ("x.nii.gz", "a b", (1, 2)),
        ("a-picture.png", "a nevus", ()),
    ]


def test_sheet_with_a_header_only_is_filled(a_picture: Volume, tmp_path: Path) -> None:
    sheet = tmp_path / "Prompts_Folder" / "Train_text.csv"
    sheet.parent.mkdir()
    sheet.write_text("Image,Description,Ground Truth,Label Values\n")
    append_training_row(tmp_path, "Train", a_picture, mask_of(a_picture), "a nevus")
    with sheet.open(newline="") as stream:
        assert list(csv.reader(stream))[1] == ["a-picture.png", "a nevus", "a-picture.png", ""]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Image,Description\r\na,b\r\n", "other columns"),
        (b"Image,Description,Ground Truth,Split\r\na,b,c,d\r\n", "other columns"),
        (b"Image,Description,Ground Truth\r\na,,c\r\n", "nothing in the column"),
        (b"Image,Description,Ground Truth\r\n\xff\xfe,b,c\r\n", "damaged"),
        (b'Image,Description,Ground Truth\r\n"a,b,c\r\n', "damaged"),
    ],
)
def test_sheet_that_does_not_fit_is_left_alone(a_picture: Volume, tmp_path: Path, content: bytes, words: str) -> None:
    sheet = tmp_path / "Prompts_Folder" / "Train_text.csv"
    sheet.parent.mkdir()
    sheet.write_bytes(content)
    with pytest.raises(MedCLIPSegError, match=words):
        append_training_row(tmp_path, "Train", a_picture, mask_of(a_picture), "a nevus")
    assert files_in(tmp_path) == {"Prompts_Folder/Train_text.csv": content}
    assert [path.name for path in tmp_path.iterdir()] == ["Prompts_Folder"]


def test_workbook_is_left_alone(a_picture: Volume, tmp_path: Path) -> None:
    (tmp_path / "Prompts_Folder").mkdir()
    (tmp_path / "Prompts_Folder" / "Train_text.xlsx").write_bytes(b"book")
    with pytest.raises(MedCLIPSegError, match=r"Train_text\.xlsx"):
        append_training_row(tmp_path, "Train", a_picture, mask_of(a_picture), "a nevus")
    assert files_in(tmp_path) == {"Prompts_Folder/Train_text.xlsx": b"book"}


def test_wrong_input_adds_nothing(a_picture: Volume, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="prompt is empty"):
        append_training_row(tmp_path, "Train", a_picture, mask_of(a_picture), " \n")
    with pytest.raises(MedCLIPSegError, match="another size"):
        append_training_row(tmp_path, "Train", a_picture, mask_of(a_picture)[:, 1:], "a nevus")
    with pytest.raises(MedCLIPSegError, match="no part"):
        append_training_row(tmp_path, "Tset", a_picture, mask_of(a_picture), "a nevus")  # type: ignore[arg-type]
    with pytest.raises(MedCLIPSegError, match="rename"):
        append_training_row(tmp_path / "caf\udce9", "Train", a_picture, mask_of(a_picture), "a nevus")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_is_one_sentence(a_picture: Volume, tmp_path: Path) -> None:
    (tmp_path / "set").write_text("a file")
    with pytest.raises(MedCLIPSegError, match="can't be added to"):
        append_training_row(tmp_path / "set", "Train", a_picture, mask_of(a_picture), "a nevus")
    assert files_in(tmp_path) == {"set": b"a file"}


@pytest.mark.parametrize("kind", ["a_picture", "a_volume"])
def test_full_disk_leaves_nothing_behind(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    image: Volume = request.getfixturevalue(kind)
    with pytest.raises(MedCLIPSegError, match="check free space"), full_disk():
        append_training_row(tmp_path / "set", "Train", image, mask_of(image), "a nevus", lambda _files: {})
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_the_sheet_cannot_be_replaced(a_picture: Volume, tmp_path: Path) -> None:
    (tmp_path / "set" / "Prompts_Folder" / "Train_text.csv").mkdir(parents=True)
    with pytest.raises(MedCLIPSegError, match="not a regular file"):
        append_training_row(tmp_path / "set", "Train", a_picture, mask_of(a_picture), "a nevus")
    assert files_in(tmp_path) == {}
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["Prompts_Folder"]


def test_records_are_numbered_like_their_masks(a_picture: Volume, tmp_path: Path) -> None:
    for number, prompt in enumerate(("a nevus", "a mole")):
        append_training_row(
            tmp_path, "Train", a_picture, mask_of(a_picture), prompt, lambda files, n=number: {"n": n, "files": files}
        )
    records = {path.name: json.loads(path.read_text()) for path in (tmp_path / "Train_Folder" / "record").iterdir()}
    assert records == {
        "a-picture.json": {"n": 0, "files": ["Train_Folder/img/a-picture.png", "Train_Folder/label/a-picture.png"]},
        "a-picture-2.json": {"n": 1, "files": ["Train_Folder/img/a-picture.png", "Train_Folder/label/a-picture-2.png"]},
    }
