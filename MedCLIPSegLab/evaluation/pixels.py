"""Calibration and detection of errors, pixel by pixel, in memory that does not grow with the number of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedCLIPSegLogic.inference.result import MAX_ENTROPY

RELIABILITY_BINS = 15
SCORE_BINS = 4096
"""Uncertainties are sorted into bins this fine; the error of an AUROC is below 1e-3."""

BOUNDARY_PIXELS = 5.0


class _Sums:
    """Statistics of pixels that add up field by field; None is what nobody has."""

    def __add__(self, other: Self) -> Self:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return type(self)(*(two if one is None else one if two is None else one + two for one, two in pairs))


@dataclass(frozen=True, eq=False)
class Reliability(_Sums):
    """Calibration of a probability.

    Args:
        counts, confidences, hits: (15,) number of pixels, sum of their probabilities, and how many are inside the
            truth, by bins of equal width from 0 to 1.
        squared_error: sum of (probability − truth)².
    """

    counts: NDArray[np.int64]
    confidences: NDArray[np.float64]
    hits: NDArray[np.int64]
    squared_error: float

    @classmethod
    def of(cls, probability: NDArray[np.float32], truth: NDArray[np.bool_]) -> Reliability:
        """Sort pixels, any shape, into the bins."""
        flat, inside = probability.ravel().astype(np.float64), truth.ravel()
        bins = np.minimum((flat * RELIABILITY_BINS).astype(np.intp), RELIABILITY_BINS - 1)
        return cls(
            np.bincount(bins, minlength=RELIABILITY_BINS),
            np.bincount(bins, flat, RELIABILITY_BINS).astype(np.float64),
            np.bincount(bins[inside], minlength=RELIABILITY_BINS),
            float(np.square(flat - inside).sum()),
        )

    @property
    def brier(self) -> float:
        """Mean squared error of the probability, 0…1 (Brier, 1950)."""
        return self.squared_error / int(self.counts.sum())

    @property
    def expected_calibration_error(self) -> float:
        """ECE, 0…1: mean distance of probability and frequency over the bins, by their sizes (Naeini et al., 2015)."""
        return float(np.abs(self.confidences - self.hits).sum() / self.counts.sum())


@dataclass(frozen=True, eq=False)
class ErrorDetection(_Sums):
    """How well a score tells wrong pixels from right ones.

    Args:
        right, wrong: (4096,) numbers of pixels by bins of the score, the lowest first.
    """

    right: NDArray[np.int64]
    wrong: NDArray[np.int64]

    @classmethod
    def of(cls, score: NDArray[np.float32], is_wrong: NDArray[np.bool_]) -> ErrorDetection:
        """Sort pixels by their score in nats, 0…ln 2."""
        scaled = score.ravel().astype(np.float64) * (SCORE_BINS / MAX_ENTROPY)
        bins, wrong = np.clip(scaled.astype(np.intp), 0, SCORE_BINS - 1), is_wrong.ravel()
        return cls(np.bincount(bins[~wrong], minlength=SCORE_BINS), np.bincount(bins[wrong], minlength=SCORE_BINS))

    @property
    def auroc(self) -> float | None:
        """Probability that a wrong pixel has a higher score than a right one, ties half; None without both kinds."""
        right, wrong = int(self.right.sum()), int(self.wrong.sum())
        if not right or not wrong:
            return None
        below = np.cumsum(self.right) - self.right
        return float((self.wrong * (below + 0.5 * self.right)).sum() / (right * wrong))

    @property
    def risk_coverage(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Share of wrong pixels (risk) among the surest ones, by their share of all (coverage); rising coverage."""
        kept = np.cumsum(self.right + self.wrong)
        first = int(np.searchsorted(kept, 1))
        return kept[first:] / kept[-1], np.cumsum(self.wrong)[first:] / kept[first:]

    @property
    def aurc(self) -> float:
        """Area under the risk-coverage curve, 0…1, lower is better (Geifman and El-Yaniv, 2017)."""
        coverage, risk = self.risk_coverage
        return float((risk * np.diff(coverage, prepend=0.0)).sum())


@dataclass(frozen=True, eq=False)
class PixelStatistics(_Sums):
    """What the pixels of one image, or of several, say of probability and uncertainty; None for maps nobody has.

    Args:
        reliability: of the probability.
        entropy: of the total entropy, for wrong pixels.
        boundary: the same within 5 pixels of the boundary of the truth.
        mutual_information: of the mutual information, for wrong pixels.
    """

    reliability: Reliability | None = None
    entropy: ErrorDetection | None = None
    boundary: ErrorDetection | None = None
    mutual_information: ErrorDetection | None = None

    @classmethod
    def of(
        cls,
        mask: NDArray[np.bool_],
        truth: NDArray[np.bool_],
        probability: NDArray[np.float32] | None,
        uncertainty: NDArray[np.float32] | None,
        mutual_information: NDArray[np.float32] | None = None,
    ) -> PixelStatistics:
        """Compare the maps there are with the truth, all (K, J, I); uncertainties in nats."""
        is_wrong = mask != truth
        near = near_boundary(truth)
        return cls(
            None if probability is None else Reliability.of(probability, truth),
            None if uncertainty is None else ErrorDetection.of(uncertainty, is_wrong),
            None if uncertainty is None else ErrorDetection.of(uncertainty[near], is_wrong[near]),
            None if mutual_information is None else ErrorDetection.of(mutual_information, is_wrong),
        )

    @property
    def values(self) -> dict[str, Any]:
        """The scores of the pixels by name; None where the map is missing or the score isn't defined."""
        return {
            "ece": self.reliability.expected_calibration_error if self.reliability else None,
            "brier": self.reliability.brier if self.reliability else None,
            "auroc_entropy": self.entropy.auroc if self.entropy else None,
            "auroc_entropy_boundary": self.boundary.auroc if self.boundary else None,
            "auroc_mutual_information": self.mutual_information.auroc if self.mutual_information else None,
            "aurc": self.entropy.aurc if self.entropy else None,
        }


def near_boundary(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels at most 5 pixels from one of the other kind, in voxels; none when the truth has no boundary."""
    if not truth.any() or truth.all():
        return np.zeros_like(truth)
    distance = np.maximum(ndimage.distance_transform_edt(truth), ndimage.distance_transform_edt(~truth))
    return np.asarray(distance <= BOUNDARY_PIXELS)
