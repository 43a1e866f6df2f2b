"""Surface distances against geometry that is known and against MONAI."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

from MedCLIPSegLab.metrics import nsd_published, surface_scores

ISOTROPIC = (1.0, 1.0, 1.0)


def disc(center: tuple[float, float], radius: float, shape: tuple[int, int] = (160, 200)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (np.hypot(y - center[0], x - center[1]) < radius)[np.newaxis]


def block(shape: tuple[int, int, int], k: slice, j: slice, i: slice) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[k, j, i] = True
    return mask


def test_the_same_mask_has_no_distance() -> None:
    mask = disc((80, 100), 40)
    scores = surface_scores(mask, mask, ISOTROPIC, 0.0)
    assert (scores.nsd, scores.hd95, scores.assd) == (1.0, 0.0, 0.0)


def test_concentric_discs_are_apart_by_their_radii() -> None:
    scores = surface_scores(disc((80, 100), 46), disc((80, 100), 40), (1.0, 0.5, 0.5), 2.0)
    assert scores.hd95 == pytest.approx(3.0, abs=0.25)  # half a pixel
    assert scores.assd == pytest.approx(3.0, abs=0.25)
    assert scores.nsd < 0.05
    assert surface_scores(disc((80, 100), 46), disc((80, 100), 40), (1.0, 0.5, 0.5), 3.5).nsd > 0.95


def test_a_picture_counts_its_contour_and_not_its_pixels() -> None:
    """The published measure calls a disc that moved by 6 pixels 0.97; as a contour it is 0.28."""
    truth, moved = disc((80, 90), 60), disc((80, 96), 60)
    assert surface_scores(moved, truth, ISOTROPIC, 2.0).nsd == pytest.approx(0.28, abs=0.05)
    assert nsd_published(moved[0], truth[0]) == pytest.approx(0.967, abs=0.005)


def test_a_slice_is_two_dimensional_in_any_direction() -> None:
    for axis in [0, 1, 2]:
        prediction, truth = (np.moveaxis(disc((80, x), 40), 0, axis) for x in (100, 104))
        spacing = list(ISOTROPIC)
        spacing[axis] = 50.0  # its thickness does not matter
        expected = surface_scores(disc((80, 100), 40), disc((80, 104), 40), ISOTROPIC, 2.0)
        found = surface_scores(prediction, truth, tuple(spacing), 2.0)
        assert (found.nsd, found.hd95, found.assd) == pytest.approx((expected.nsd, expected.hd95, expected.assd))


def test_volumes_are_measured_in_mm() -> None:
    shape = (12, 30, 40)
    truth = block(shape, slice(3, 9), slice(5, 25), slice(5, 25))
    moved = np.roll(truth, 2, axis=0)  # by two slices of 3 mm
    scores = surface_scores(moved, truth, (3.0, 0.8, 0.8), 1.0)
    assert scores.hd95 == pytest.approx(6.0, abs=0.1)
    assert 0 < scores.assd < 6
    assert surface_scores(moved, truth, (3.0, 0.8, 0.8), 6.1).nsd == 1


@pytest.mark.filterwarnings("ignore:monai:FutureWarning")
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 0.5)])
def test_about_what_monai_says(spacing: tuple[float, float, float]) -> None:
    """MONAI takes voxel centers for the surface, so both differ by about a voxel."""
    k, j, i = np.ogrid[:24, :40, :40]
    truth = ((k - 12) / 8) ** 2 + ((j - 20) / 12) ** 2 + ((i - 18) / 12) ** 2 < 1
    prediction = ((k - 12) / 9) ** 2 + ((j - 21) / 14) ** 2 + ((i - 20) / 12) ** 2 < 1
    first, second = (torch.tensor(mask[None, None].astype(np.float32)) for mask in (prediction, truth))
    options = {"include_background": True, "spacing": spacing}
    found = surface_scores(prediction, truth, spacing, 1.0)
    assert found.hd95 == pytest.approx(
        float(compute_hausdorff_distance(first, second, percentile=95, **options)), abs=1
    )
    monai = float(compute_average_surface_distance(first, second, symmetric=True, **options))
    assert found.assd == pytest.approx(monai, abs=0.4)


def test_empty_masks() -> None:
    for prediction, truth, nsd in [(False, False, 1.0), (True, False, 0.0), (False, True, 0.0)]:
        masks = [disc((80, 100), 20) & present for present in (prediction, truth)]
        scores = surface_scores(*masks, ISOTROPIC, 2.0)
        assert scores.nsd == nsd
        assert (scores.hd95, scores.assd) == ((0.0, 0.0) if nsd else (None, None))


def test_a_single_pixel_at_the_rim() -> None:
    mask = np.zeros((1, 8, 8), bool)
    mask[0, 0, 0] = True
    other = np.zeros_like(mask)
    other[0, 0, 3] = True
    assert surface_scores(mask, other, ISOTROPIC, 2.0).hd95 == pytest.approx(3.0, abs=0.6)
