"""Images and prompts find each other by name."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLab.weak.images import pair_prompts, read_slice
from MedCLIPSegLogic.errors import MedCLIPSegError


def a_sheet(folder: Path, *lines: str) -> Path:
    path = folder / "prompts.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_order_and_extension_of_the_sheet_do_not_matter(a_folder: Path) -> None:
    sheet = a_sheet(a_folder, "Description,Image", "third,case 3.jpg", "first,case 1.png", "first too,case 1")
    [only], left_out = pair_prompts(a_folder / "img", sheet, None)
    assert [(image.path.name, image.prompts) for image in only.images] == [
        ("case 1.png", ("first", "first too")),
        ("case 3.png", ("third",)),
    ]
    assert left_out == ("case 0.png", "case 2.png", "case 4.png", "case 5.png")


def test_classes_are_told_apart(a_folder: Path) -> None:
    sheet = a_sheet(a_folder, "Image,Description,Class", "case 1.png,a,lung", "case 1.png,b,heart", "case 2.png,c,lung")
    classes, _ = pair_prompts(a_folder / "img", sheet, None)
    assert [(entry.name, [image.prompts for image in entry.images]) for entry in classes] == [
        ("lung", [("a",), ("c",)]),
        ("heart", [("b",)]),
    ]


def test_one_prompt_for_all(a_folder: Path) -> None:
    [only], left_out = pair_prompts(a_folder / "img", None, " a   mass ")
    assert len(only.images) == 6
    assert {image.prompts for image in only.images} == {("a mass",)}
    assert left_out == ()


def test_bad_sheets_get_a_sentence(a_folder: Path) -> None:
    for lines, prompt, words in [
        (["Image,Description", "gone.png,a"], None, "names the image gone.png, which is not in"),
        (["Image,Text", "case 1.png,a"], None, "nothing in the column 'Description'"),
        (["Image,Description,Class", "case 1.png,a,x", "case 2.png,a,"], None, "nothing in the column 'Class'"),
        (["Image,Description"], None, "holds no prompt"),
        (["Image,Description", "case 1.png,a"], "a", "either a prompt sheet"),
        (None, " ", "prompt is empty"),
        (None, None, "either a prompt sheet"),
    ]:
        sheet = None if lines is None else a_sheet(a_folder, *lines)
        with pytest.raises(MedCLIPSegError, match=words):
            pair_prompts(a_folder / "img", sheet, prompt)


def test_bad_folders_get_a_sentence(a_folder: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="no folder"):
        pair_prompts(a_folder / "gone", None, "a")
    (a_folder / "empty").mkdir()
    with pytest.raises(MedCLIPSegError, match="holds no image"):
        pair_prompts(a_folder / "empty", None, "a")
    Image.new("L", (8, 8)).save(a_folder / "img" / "case 1.bmp")
    with pytest.raises(MedCLIPSegError, match="have the same name"):
        pair_prompts(a_folder / "img", None, "a")


def test_maps_go_back_to_the_grid_and_volumes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "slice.nii.gz"
    values = np.arange(30 * 20, dtype=np.float32).reshape(30, 1, 20)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([0.5, 3, 0.7, 1])), path)
    source = read_slice(path)
    grey = source.pixels[..., 0]
    assert np.corrcoef(source.on_grid(grey).ravel(), source.volume.voxels.ravel())[0, 1] > 0.999
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 8, 7)), np.eye(4)), path)
    with pytest.raises(MedCLIPSegError, match="volume of several slices"):
        read_slice(path)
