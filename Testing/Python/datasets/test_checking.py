"""`medclipseg data check` on sets with planted faults."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.data.check_data import check_data
from MedCLIPSegLab.data.checking import Finding
from MedCLIPSegLogic.errors import MedCLIPSegError

HEADER = "Image,Description,Ground Truth,Label Values"


def picture(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((100, 80), Image.Resampling.BICUBIC))


def mask() -> np.ndarray:
    inside = np.zeros((80, 100), np.uint8)
    inside[20:40, 30:60] = 255
    return inside


@pytest.fixture
def a_set(tmp_path: Path) -> Path:
    """Two pictures in each of the splits Train, Val and Test; nothing is wrong with it."""
    folder = tmp_path / "set"
    (folder / "Prompts_Folder").mkdir(parents=True)
    for number, split in enumerate(("Train", "Val", "Test")):
        for part in ("img", "label"):
            (folder / f"{split}_Folder" / part).mkdir(parents=True)
        lines = [HEADER]
        for name in ("a", "b"):
            Image.fromarray(picture(10 * number + ord(name))).save(folder / f"{split}_Folder" / "img" / f"{name}.png")
            Image.fromarray(mask()).save(folder / f"{split}_Folder" / "label" / f"{name}.png")
            lines.append(f"{name}.png,a thing,{name}.png,")
        style = "_original" if split == "Test" else ""
        (folder / "Prompts_Folder" / f"{split}_text{style}.csv").write_text("\n".join(lines))
    return folder


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def write_rows(folder: Path, *rows: str) -> None:
    (folder / "Prompts_Folder" / "Train_text.csv").write_text("\n".join([HEADER, *rows]))


def test_a_good_set_has_no_findings(a_set: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert check_data([a_set], lambda *step: seen.append(step[:2])) == []
    assert seen == [(number, 6) for number in range(1, 7)]


def test_a_prompt_without_image(a_set: Path) -> None:
    (a_set / "Train_Folder" / "img" / "a.png").unlink()
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("error", "prompt without image")
    assert "Train_text.csv names the image a.png" in finding.text


def test_an_image_and_a_mask_without_prompt(a_set: Path) -> None:
    write_rows(a_set, "a.png,a thing,a.png,")
    findings = check_data([a_set])
    assert [(each.severity, each.kind, each.path.name) for each in findings] == [
        ("warning", "image without prompt", "b.png"),
        ("warning", "mask without prompt", "b.png"),
    ]


def test_a_missing_mask(a_set: Path) -> None:
    (a_set / "Val_Folder" / "label" / "b.png").unlink()
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("error", "mask is missing")


def test_a_mask_of_another_size(a_set: Path) -> None:
    Image.fromarray(mask()[:, :50]).save(a_set / "Train_Folder" / "label" / "a.png")
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("error", "mask does not fit")
    assert "50 x 80 x 1 voxels, but its image a has 100 x 80 x 1" in finding.text


def test_a_mask_that_lost_its_edges_in_compression(a_set: Path) -> None:
    blurred = cv2.GaussianBlur(mask(), (5, 5), 2)
    Image.fromarray(blurred).save(a_set / "Train_Folder" / "label" / "a.png")
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("warning", "mask is not binary")


def test_masks_of_zero_and_one(a_set: Path) -> None:
    Image.fromarray(mask() // 255).save(a_set / "Train_Folder" / "label" / "a.png")
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("error", "mask does not fit")
    assert "holds no value above 127" in finding.text


def test_files_that_cannot_be_read(a_set: Path) -> None:
    (a_set / "Train_Folder" / "img" / "a.png").write_bytes(b"no picture")
    (a_set / "Val_Folder" / "label" / "a.png").write_bytes(b"no picture")
    kinds = [(each.kind, each.path.parent.name) for each in check_data([a_set])]
    assert kinds == [("image cannot be read", "img"), ("mask cannot be read", "label")]


def test_sheets_that_cannot_be_read(a_set: Path) -> None:
    for text, words in [
        ("Picture,Text\na,b", "nothing in the column 'Image'"),
        (HEADER, "holds no prompt"),
        ("", "holds no prompt"),
    ]:
        (a_set / "Prompts_Folder" / "Train_text.csv").write_text(text)
        errors = [each for each in check_data([a_set]) if each.severity == "error"]
        assert (only(errors).kind, words in only(errors).text) == ("sheet cannot be read", True)


def test_a_split_without_sheet(a_set: Path) -> None:
    (a_set / "Prompts_Folder" / "Test_text_original.csv").unlink()
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("error", "sheet is missing")
    assert "no sheet Test_text_original.xlsx or .csv" in finding.text


def test_a_split_with_empty_masks_alone(a_set: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(0 * mask()).save(a_set / "Train_Folder" / "label" / f"{name}.png")
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("warning", "all masks are empty")


def test_a_label_that_is_not_there(a_set: Path) -> None:
    labels = np.zeros((20, 18, 4), np.uint8)
    labels[4:9, 4:9, 1:3] = 2
    for part, data in (("img", labels * 9.0), ("label", labels)):
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), a_set / "Train_Folder" / part / "v.nii.gz")
    write_rows(a_set, "a.png,x,a.png,", "b.png,x,b.png,", 'v.nii.gz,x,v.nii.gz,"2,5"', "v.nii.gz,y,v.nii.gz,2")
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("warning", "label is not in the mask")
    assert "the label 5" in finding.text


@pytest.mark.parametrize("how", ["same", "smaller", "brighter", "jpeg"])
def test_leaks_between_splits(a_set: Path, how: str) -> None:
    pixels = picture(ord("a"))  # of the Train folder
    target = a_set / "Test_Folder" / "img" / "b.png"
    if how == "smaller":
        Image.fromarray(pixels).resize((50, 40)).save(target)
        Image.fromarray(mask()).resize((50, 40), Image.Resampling.NEAREST).save(a_set / "Test_Folder/label/b.png")
    elif how == "brighter":
        Image.fromarray((pixels * 0.7 + 60).astype(np.uint8)).save(target)
    elif how == "jpeg":
        jpeg = target.with_suffix(".jpg")
        Image.fromarray(pixels).save(jpeg, quality=50)
        Image.open(jpeg).save(target)
        jpeg.unlink()
    else:
        Image.fromarray(pixels).save(target)
    finding = only(check_data([a_set]))
    assert (finding.severity, finding.kind) == ("warning", "leakage between splits")
    assert ("is identical to" in finding.text) is (how == "same")
    assert str(a_set / "Train_Folder" / "img" / "a.png") in finding.text


def test_leaks_between_sets(a_set: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for part in ("img", "label"):
        (other / "Train_Folder" / part).mkdir(parents=True)
    (other / "Prompts_Folder").mkdir()
    Image.fromarray(picture(20 + ord("a"))).save(other / "Train_Folder" / "img" / "x.png")
    Image.fromarray(mask()).save(other / "Train_Folder" / "label" / "x.png")
    write_rows(other, "x.png,a thing,x.png,")
    assert "leakage" in only(check_data([a_set, other])).kind


def test_a_folder_that_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="is no data set"):
        check_data([tmp_path])


def test_the_command(a_set: Path) -> None:
    runner = CliRunner()
    good = runner.invoke(app, ["data", "check", str(a_set)])
    assert (good.exit_code, "Nothing was found" in good.stdout) == (0, True)
    (a_set / "Train_Folder" / "img" / "a.png").unlink()
    bad = runner.invoke(app, ["data", "check", str(a_set)])
    assert (bad.exit_code, "1 x error: prompt without image" in bad.stdout) == (1, True)
    listed = runner.invoke(app, ["data", "check", str(a_set), "--json"])
    assert [entry["kind"] for entry in json.loads(listed.stdout)] == ["prompt without image"]
