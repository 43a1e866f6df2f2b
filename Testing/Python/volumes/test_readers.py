from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import READERS, read_volume


def test_path_may_be_text(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 9).save(tmp_path / "a.b.png")
    read = read_volume(str(tmp_path / "a.b.png"))
    np.testing.assert_array_equal(read.voxels, np.full((1, 2, 3), 9))
    assert read.name == "a.b"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match=r"gone\.nii\.gz does not exist"):
        read_volume(tmp_path / "gone.nii.gz")


@pytest.mark.parametrize("name", ["report.pdf", "report"])
def test_unknown_type_lists_what_is_accepted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"%PDF-1.7" + bytes(500))
    with pytest.raises(MedCLIPSegError, match=f"{name} is not of an accepted type") as caught:
        read_volume(tmp_path / name)
    assert all(ending in str(caught.value) for ending in READERS if ending != ".dcm")
    assert "DICOM" in str(caught.value)


@pytest.mark.parametrize("ending", READERS)
def test_empty_file_is_refused_in_one_sentence(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"empty{ending}"
    path.touch()
    with pytest.raises(MedCLIPSegError, match=f"empty{ending} could not be read") as caught:
        read_volume(path)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
