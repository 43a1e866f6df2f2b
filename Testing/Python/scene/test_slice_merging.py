"""Slices of a new run among those of an earlier one."""

from __future__ import annotations

import numpy as np
from scene_samples import SHAPE, MakeResult

from MedCLIPSegLogic.scene.slices import is_partial, merge_slices


def test_arrays_given_stay_as_they_are(make_result: MakeResult) -> None:
    earlier, new = np.zeros(SHAPE), np.ones(SHAPE)
    merged = merge_slices(earlier, new, make_result({}, slice_axis=1, slice_indices=(7, 2)))
    assert merged.sum(axis=(0, 2)).tolist() == [0, 0, 48, 0, 0, 0, 0, 48, 0, 0]
    assert earlier.max() == 0
    assert new.min() == 1


def test_partial_means_that_a_slice_is_left_out(make_result: MakeResult) -> None:
    for axis, indices, partial in [
        (0, (0, 1, 2, 3), False),
        (0, (0, 1, 1, 2), True),
        (1, (0, 1, 2, 3), True),
        (2, tuple(range(12)), False),
    ]:
        assert is_partial(make_result({}, slice_axis=axis, slice_indices=indices)) == partial
