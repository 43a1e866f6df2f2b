from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geometries import Orientation, orientations, phantom, turns
from hypothesis import given
from numpy.typing import NDArray

from MedCLIPSegLab.results.map_files import write_map
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume


def assert_round_trip(volume: Volume, values: NDArray[np.generic], path: Path) -> None:
    write_map(volume, values, path)
    read = read_volume(path)
    np.testing.assert_allclose(read.ijk_to_ras, volume.ijk_to_ras, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(read.voxels, values)
    assert read.voxels.dtype == values.dtype


def probabilities(volume: Volume) -> NDArray[np.float32]:
    return np.random.default_rng(0).random(volume.shape, dtype=np.float32)


@given(orientations, turns())
def test_round_trip_in_every_orientation(
    tmp_path_factory: pytest.TempPathFactory, orientation: Orientation, turn: NDArray[np.float64]
) -> None:
    volume = phantom(*orientation, turn)
    assert_round_trip(volume, probabilities(volume), tmp_path_factory.getbasetemp() / "map.nrrd")


def test_sheared_geometry_is_kept(tmp_path: Path) -> None:
    shear = np.array([[1, 0, 0.3], [0.1, 1, -0.2], [0, 0, 1]])
    volume = phantom((1, 2, 0), (-1, 1, 1), shear)
    assert_round_trip(volume, probabilities(volume), tmp_path / "map.nrrd")


def test_mask_of_a_color_picture(tmp_path: Path) -> None:
    colors = np.zeros((1, 3, 4, 3), dtype=np.uint8)
    volume = Volume(colors, PICTURE_IJK_TO_RAS, "lesion", spacing_known=False)
    mask = np.eye(3, 4, dtype=np.uint8)[None]
    assert_round_trip(volume, mask, tmp_path / "map.nrrd")


def test_file_is_compressed(tmp_path: Path) -> None:
    volume = Volume(np.zeros((10, 50, 50), dtype=np.int16), np.eye(4), "scan")
    write_map(volume, np.zeros(volume.shape, dtype=np.float32), tmp_path / "map.nrrd")
    content = (tmp_path / "map.nrrd").read_bytes()
    assert b"encoding: gzip" in content
    assert len(content) < 2000


def test_folder_that_does_not_exist(tmp_path: Path) -> None:
    volume = phantom((0, 1, 2), (1, 1, 1))
    with pytest.raises(MedCLIPSegError, match=r"map\.nrrd could not be written"):
        write_map(volume, probabilities(volume), tmp_path / "gone" / "map.nrrd")


def test_map_must_fit_its_image(tmp_path: Path) -> None:
    volume = phantom((0, 1, 2), (1, 1, 1))
    fitting = probabilities(volume)
    for values, name, reason in [
        (fitting[1:], "map.nrrd", "map of shape"),
        (fitting.astype(np.float64), "map.nrrd", "map of type float64"),
        (fitting, "map.nii.gz", "without the ending"),
    ]:
        with pytest.raises(ValueError, match=reason):
            write_map(volume, values, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
