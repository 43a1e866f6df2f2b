from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from full_disk import full_disk
from geometries import Orientation, orientations, phantom, turns
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.image_writing import write_image
from MedCLIPSegLogic.volumes.readers import read_volume

SHEAR = np.array([[1, 0, 0.3], [0.1, 1, -0.2], [0, 0, 1]])
A_MAP = np.random.default_rng(0).random((5, 6, 7), dtype=np.float32)


@given(
    orientations,
    turns() | st.just(SHEAR),
    st.sampled_from([np.float32, np.uint8, np.uint16]),
    st.sampled_from(["map.nrrd", "map.nii.gz"]),
)
def test_round_trip_in_every_orientation(
    tmp_path_factory: pytest.TempPathFactory,
    orientation: Orientation,
    turn: NDArray[np.float64],
    dtype: type[np.generic],
    name: str,
) -> None:
    volume = phantom(*orientation, turn)
    values = (200 * np.random.default_rng(0).random(volume.shape)).astype(dtype)
    path = tmp_path_factory.getbasetemp() / ("map.nrrd" if turn is SHEAR else name)
    write_image(values, volume.ijk_to_ras, path)
    read = read_volume(path)
    np.testing.assert_allclose(read.ijk_to_ras, volume.ijk_to_ras, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(read.voxels, values)
    assert read.voxels.dtype == values.dtype


def test_file_is_compressed(tmp_path: Path) -> None:
    write_image(np.zeros((10, 50, 50), dtype=np.float32), np.eye(4), tmp_path / "map.nrrd")
    content = (tmp_path / "map.nrrd").read_bytes()
    assert b"encoding: gzip" in content
    assert len(content) < 2000


def test_tilted_slices_need_nrrd_and_a_name_in_unicode(tmp_path: Path) -> None:
    matrix = np.eye(4)
    matrix[1, 2] = 0.3
    with pytest.raises(MedCLIPSegError, match=r"choose \.nrrd"):
        write_image(A_MAP, matrix, tmp_path / "a.nii.gz")
    with pytest.raises(MedCLIPSegError, match="rename"):
        write_image(A_MAP, matrix, tmp_path / "caf\udce9.nrrd")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_whole_is_refused(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "a.nrrd"):
        with pytest.raises(MedCLIPSegError, match=f"{name} could not be written"):
            write_image(A_MAP, np.eye(4), tmp_path / "gone" / name)
        with pytest.raises(MedCLIPSegError, match=f"{name} could not be written"), full_disk():
            write_image(A_MAP, np.eye(4), tmp_path / name)
