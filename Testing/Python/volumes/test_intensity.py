from __future__ import annotations

import json
import tracemalloc
import warnings
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import ArrayLike, DTypeLike, NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.intensity import (
    CT_PRESETS,
    IntensityRule,
    as_stored,
    default_rule,
    percentile,
    preset,
    resolve,
    window,
)
from MedCLIPSegLogic.volumes.volume import Volume


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def volume_of(values: ArrayLike, dtype: DTypeLike = np.float32) -> Volume:
    """A volume of one row with these values."""
    voxels = np.asarray(values, dtype=dtype)
    return Volume(voxels.reshape(1, 1, -1), np.eye(4), "scan")


def mapped(rule: IntensityRule, values: ArrayLike, dtype: DTypeLike = np.float32) -> list[int]:
    volume = volume_of(values, dtype)
    result = resolve(rule, volume).apply(volume.voxels)
    assert result.dtype == np.uint8
    assert result.shape == volume.voxels.shape
    return result.ravel().tolist()


def test_window_maps_its_ends_to_0_and_255_and_rounds_half_up() -> None:
    values = [0, 100, 101, 300, 499, 500, 9000]
    for dtype in (np.int16, np.uint16, np.float32, np.float64, np.int64):
        assert mapped(window(400, 300), values, dtype) == [0, 0, 1, 128, 254, 255, 255]
    assert mapped(window(255, 127.5), [0.49, 0.5, 1.5, 2.5, 2.49, 254.5]) == [0, 1, 2, 3, 2, 255]


def test_presets() -> None:
    ends = {"lung": (-1350, 150), "soft-tissue": (-160, 240), "bone": (-500, 1300), "brain": (0, 80)}
    mappings = {name: resolve(preset(name), volume_of([-2000, 2000], np.int16)) for name in CT_PRESETS}
    assert {name: (mapping.low, mapping.high) for name, mapping in mappings.items()} == ends
    for name, mapping in mappings.items():
        assert mapping.apply(np.array(ends[name], dtype=np.int16)).tolist() == [0, 255]


def test_percentiles_are_those_of_the_whole_volume() -> None:
    for dtype in (np.int16, np.float32):
        voxels = np.random.default_rng(0).permutation(np.arange(2001)).reshape(3, 23, 29).astype(dtype)
        mapping = resolve(percentile(), Volume(voxels, np.eye(4), "scan"))
        assert (mapping.low, mapping.high) == pytest.approx((10, 1990))
        slices = np.stack([mapping.apply(piece) for piece in voxels])
        np.testing.assert_array_equal(slices, mapping.apply(voxels))
        assert (slices.min(), slices.max()) == (0, 255)


def test_percentiles_that_coincide_give_way_to_minimum_and_maximum() -> None:
    values = np.zeros(10000)
    values[7] = 1
    result = mapped(percentile(), values)
    assert result[7] == 255
    assert sum(result) == 255
    assert mapped(percentile(), [False, True, True], np.bool_) == [0, 255, 255]


def test_half_precision_does_not_overflow() -> None:
    assert mapped(percentile(25, 75), [-60000, 60000], np.float16) == [0, 255]


def test_values_that_are_not_finite_take_the_finite_minimum() -> None:
    values = [np.nan, -np.inf, np.inf, 10, 20, 30]
    assert mapped(percentile(0, 100), values) == [0, 0, 0, 0, 128, 255]
    assert mapped(window(40, 20), values) == [64, 64, 64, 64, 128, 191]
    assert resolve(percentile(), volume_of(values)).non_finite_voxels == 3


def test_volume_without_finite_voxel_is_black() -> None:
    for rule in (percentile(), percentile(0, 100), window(400, 40), preset("lung"), as_stored()):
        assert mapped(rule, [np.nan, np.inf, -np.inf]) == [0, 0, 0]


def test_constant_volume_is_black() -> None:
    for value, dtype in product((0, 7, 100), (np.int16, np.float32, np.uint8)):
        assert mapped(percentile(), [value] * 5, dtype) == [0] * 5


@given(arrays(st.sampled_from([np.int16, np.uint8, np.float32]), 20))
def test_brighter_stays_brighter_for_any_values(values: NDArray[Any]) -> None:
    for rule in (percentile(), percentile(0, 100), window(400, 40)):
        result = np.array(mapped(rule, values, values.dtype))
        order = np.argsort(np.where(np.isfinite(values), values, -np.inf), kind="stable")
        assert (np.diff(result[order]) >= 0).all()


def test_extreme_values_do_not_overflow() -> None:
    assert mapped(percentile(0, 100), [-32768, 32767], np.int16) == [0, 255]
    assert mapped(window(400, 0), [-3e38, 3e38]) == [0, 255]


def test_as_stored_keeps_bytes_and_rounds_and_clips_other_values() -> None:
    assert mapped(as_stored(), range(256), np.uint8) == list(range(256))
    assert mapped(as_stored(), [-5, 0, 1.5, 254.4, 255, 4000]) == [0, 0, 2, 254, 255, 255]


def test_applying_does_not_change_the_input() -> None:
    voxels = np.array([[[np.nan, 1, 2]]], dtype=np.float64)
    kept = voxels.copy()
    resolve(percentile(), Volume(voxels, np.eye(4), "scan")).apply(voxels)
    np.testing.assert_array_equal(voxels, kept)
    stored = np.array([[[1, 2]]], dtype=np.uint8)
    resolve(as_stored(), Volume(stored, np.eye(4), "scan")).apply(stored)[...] = 9
    assert stored.ravel().tolist() == [1, 2]


def test_default_rule() -> None:
    kinds = [default_rule(volume_of([0, 1], dtype)).kind for dtype in (np.uint8, np.int16, bool)]
    assert kinds == ["as-stored", "percentile", "percentile"]


def test_color_is_taken_as_stored() -> None:
    colors = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    volume = Volume(colors, np.eye(4), "lesion")
    assert default_rule(volume) == as_stored()
    np.testing.assert_array_equal(resolve(as_stored(), volume).apply(colors[0]), colors[0])
    for rule in (percentile(), window(400, 40), preset("bone")):
        with pytest.raises(MedCLIPSegError, match="lesion is a color image"):
            resolve(rule, volume)


def test_wrong_numbers_and_names_are_refused() -> None:
    for width in (0, -400, float("nan"), float("inf")):
        with pytest.raises(MedCLIPSegError, match="give a width greater than 0"):
            window(width, 40)
    for low, high in ((-1, 50), (50, 101), (60, 40), (50, 50), (float("nan"), 50)):
        with pytest.raises(MedCLIPSegError, match="must rise and lie within 0 to 100"):
            percentile(low, high)
    with pytest.raises(MedCLIPSegError, match='"liver"; choose one of lung, soft-tissue, bone, brain'):
        preset("liver")


@pytest.mark.parametrize(
    ("rule", "kind", "parameters", "low", "high"),
    [
        (percentile(0, 100), "percentile", {"low_percentile": 0, "high_percentile": 100}, -5, 60),
        (window(100, 50), "window", {"width": 100, "level": 50}, 0, 100),
        (preset("brain"), "preset", {"preset": "brain", "width": 80, "level": 40}, 0, 80),
        (as_stored(), "as-stored", {}, 0, 255),
    ],
)
def test_record_survives_json(
    rule: IntensityRule, kind: str, parameters: dict[str, float | str], low: float, high: float
) -> None:
    record = resolve(rule, volume_of([-5, np.nan, 60])).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == {
        "rule": kind,
        "parameters": parameters,
        "low": low,
        "high": high,
        "non_finite_voxels": 1,
    }


def test_large_integer_volume_is_not_widened() -> None:
    voxels = np.random.default_rng(0).integers(-1000, 3000, (20, 200, 200), dtype=np.int16)
    tracemalloc.start()
    resolve(percentile(), Volume(voxels, np.eye(4), "scan"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * voxels.nbytes
