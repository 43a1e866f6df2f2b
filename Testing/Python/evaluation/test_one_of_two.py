"""Cases in which only the text says which of two things is meant."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLab.data.prompt_sheets import PromptSheet
from MedCLIPSegLab.evaluation.one_of_two import Choice, find_choices
from MedCLIPSegLogic.datasets.sheets import with_row


def disc(y: int, x: int, radius: int) -> np.ndarray:
    return np.hypot(*(np.mgrid[:64, :64] - np.array([y, x])[:, None, None])) < radius


@pytest.fixture
def a_sheet(tmp_path: Path) -> PromptSheet:
    """Two pictures with one polyp each, one with two, one with none."""
    masks = [disc(32, 20, 8), disc(20, 40, 10), disc(32, 12, 6) | disc(32, 48, 12), np.zeros((64, 64), bool)]
    prompts = ["one small polyp", "one large polyp", "two polyps", "no polyp"]
    path = tmp_path / "sheet.csv"
    for kind in ("img", "label"):
        (tmp_path / kind).mkdir()
    for number, (mask, prompt) in enumerate(zip(masks, prompts, strict=True)):
        name = f"{number}.png"
        Image.fromarray((40 * (number + 1) + 60 * mask).astype(np.uint8)).save(tmp_path / "img" / name)
        Image.fromarray((255 * mask).astype(np.uint8)).save(tmp_path / "label" / name)
        path.write_bytes(with_row(path, name, prompt, name))
    return PromptSheet("polyps", "original", path, tmp_path / "img", tmp_path / "label")


def test_mosaics_ask_for_one_of_two_pictures(a_sheet: PromptSheet) -> None:
    mosaics = [choice for choice in find_choices(a_sheet) if choice.kind == "mosaic"]
    assert [choice.image for choice in mosaics] == ["0.png and 1.png", "1.png and 2.png", "2.png and 0.png"]
    assert "left" in mosaics[0].prompt
    assert "upper" in mosaics[1].prompt
    for choice in mosaics:
        assert choice.volume.shape == (1, 384, 384) == choice.wanted.shape
        assert not (choice.wanted & choice.other).any()
    columns = np.flatnonzero(mosaics[0].wanted.any(axis=(0, 1)))
    assert columns.max() < 192 <= np.flatnonzero(mosaics[0].other.any(axis=(0, 1))).min()
    assert np.flatnonzero(mosaics[1].wanted.any(axis=(0, 2))).max() < 192
    # The tiles themselves lie there: the first picture is darker than the second.
    left, right = mosaics[0].volume.voxels[0, :, :192].mean(), mosaics[0].volume.voxels[0, :, 192:].mean()
    assert left < right


def test_mosaics_ask_by_size_where_sizes_clearly_differ(a_sheet: PromptSheet) -> None:
    """The discs cover 197, 305 and 542 of 4,096 pixels; from the third picture on the smaller one is asked for."""
    sizes = [choice for choice in find_choices(a_sheet) if choice.kind in ("larger", "smaller")]
    assert [(choice.image, choice.prompt) for choice in sizes] == [
        ("0.png and 1.png", "mark only the larger polyp"),
        ("1.png and 2.png", "I mean the big polyp, not the other"),
        ("2.png and 0.png", "mark only the smaller polyp"),
    ]
    for choice, larger in zip(sizes, (True, True, False), strict=True):
        assert (choice.wanted.sum() > choice.other.sum()) == larger


def test_one_of_two_findings_is_asked_for_by_place_or_size(a_sheet: PromptSheet) -> None:
    (choice,) = [choice for choice in find_choices(a_sheet) if choice.kind == "several"]
    assert choice.image == "2.png"
    left = choice.wanted[0, :, :192].any()
    words = ("left", "small") if left else ("right", "big", "larger")
    assert any(word in choice.prompt for word in words), choice.prompt
    assert choice.other[0, :, 192:].any() == left


def test_parts_are_told_apart_by_their_names(tmp_path: Path) -> None:
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[1:4, 2:6, 2:6], labels[5:7, 2:6, 2:6] = 1, 2
    for kind, voxels in (("img", labels * 50.0), ("label", labels)):
        (tmp_path / kind).mkdir()
        nibabel.Nifti1Image(voxels.astype(np.float32), np.eye(4)).to_filename(tmp_path / kind / "a.nii.gz")
    path = tmp_path / "sheet.csv"
    path.write_text(
        "Image,Description,Ground Truth,Label Values\n"
        'a.nii.gz,Whole organ,a.nii.gz,"1,2"\na.nii.gz,Front,a.nii.gz,1\na.nii.gz,Back,a.nii.gz,2\n'
    )
    front, back = find_choices(PromptSheet("organs", "original", path, tmp_path / "img", tmp_path / "label"))
    assert [front.prompt, back.prompt] == ["Front", "Back"]
    assert front.wanted.sum() == 48
    assert np.array_equal(front.other, back.wanted)


def test_the_answer_is_right_where_it_overlaps_more_with_what_is_meant(a_sheet: PromptSheet) -> None:
    choice = next(find_choices(a_sheet))
    assert choice.is_right(choice.wanted)
    assert not choice.is_right(choice.other)
    assert not choice.is_right(np.zeros_like(choice.wanted))
    assert not choice.is_right(choice.wanted & choice.other)
    both = Choice("mosaic", "", "", choice.volume, choice.wanted, choice.wanted)
    assert not both.is_right(choice.wanted)
