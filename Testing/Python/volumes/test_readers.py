from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.itk_files import read_itk
from MedCLIPSegLogic.volumes.itk_images import read_image
from MedCLIPSegLogic.volumes.pictures import read_picture
from MedCLIPSegLogic.volumes.readers import READERS, read_volume


def test_path_may_be_text(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 9).save(tmp_path / "a.b.png")
    read = read_volume(str(tmp_path / "a.b.png"))
    np.testing.assert_array_equal(read.voxels, np.full((1, 2, 3), 9))
    assert read.name == "a.b"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match=r"gone\.nii\.gz does not exist"):
        read_volume(tmp_path / "gone.nii.gz")


def test_unknown_type_lists_what_is_accepted(tmp_path: Path) -> None:
    for name in ("report.pdf", "report"):
        (tmp_path / name).write_bytes(b"%PDF-1.7" + bytes(500))
        with pytest.raises(MedCLIPSegError, match=f"{name} is not of an accepted type") as caught:
            read_volume(tmp_path / name)
        assert all(ending in str(caught.value) for ending in READERS if ending != ".dcm")
        assert "DICOM" in str(caught.value)


def test_files_that_hold_nothing_or_text_are_refused_in_one_sentence(tmp_path: Path) -> None:
    for ending in READERS:
        path = tmp_path / f"notes{ending}"
        for content in ("", "not an image\n" * 100):
            path.write_text(content)
            with pytest.raises(MedCLIPSegError, match=rf"notes\{ending} could not be read.*\.$") as caught:
                read_volume(path)
            assert "\n" not in str(caught.value)


def test_cut_off_files_are_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(10, 20, 30)).astype(np.float32)
    volume, picture = sitk.GetImageFromArray(values), Image.effect_noise((64, 64), 90).convert("RGB")
    for ending in READERS:
        path = tmp_path / f"cut{ending}"
        if ending in (".nhdr", ".mhd", ".dcm"):  # the voxels lie in another file, or are tested with DICOM
            continue
        picture.save(path) if READERS[ending] is read_picture else sitk.WriteImage(volume, str(path))
        path.write_bytes(path.read_bytes()[:-3000])
        with pytest.raises(MedCLIPSegError, match=rf"cut\{ending} (could not be read|holds fewer voxels)"):
            read_volume(path)


@pytest.mark.parametrize("name", ["caf\udce9/image", "caf\udce9"])
@pytest.mark.parametrize("read", [read_image, partial(read_itk, name="")])
def test_names_in_another_encoding_do_not_end_the_program(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    with pytest.raises(MedCLIPSegError, match=r"rename the file or its folder\.$") as caught:
        read(tmp_path / f"{name}.nrrd")
    assert str(caught.value).isprintable()
