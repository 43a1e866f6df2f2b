"""Mask and maps of a run on the voxel grid of its volume."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..knowledge.known import Knowledge
from ..knowledge.verdict import Verdict
from ..volumes.planes import SliceAxis
from .islands import ALL, IslandRule, remove_islands
from .preprocess import PreparedSlice
from .result import PromptResult
from .uncertainty import RunningSums, binary_entropy


@dataclass(frozen=True)
class SliceTally:
    """What the mean uncertainty of a prompt needs of a slice.

    Args:
        samples: that were drawn.
        inside, outside: sums of the uncertainty in nats inside and outside the mask.
        voxels_inside, voxels_outside: numbers of voxels.
        probability_inside, probability_outside: sums of the probability.
        highest: probability.
    """

    samples: int
    inside: float
    outside: float
    voxels_inside: int
    voxels_outside: int
    probability_inside: float = 0.0
    probability_outside: float = 0.0
    highest: float = 0.0


@dataclass(eq=False)
class PromptMaps:
    """Mask and maps (K, J, I) of one prompt, filled slice by slice.

    Args:
        threshold: of the mask.
        mask: as in :class:`PromptResult`.
        probability, uncertainty, mutual_information: as there; None in a run without maps.
        tallies: of the slices that are done, by their index.
        sample_volumes: (N,) float64, mL of the segment in each sample on the slices that are done; (0,) where nobody
            asks for them.
        disagreement, plane_agreement: as there, where planes were fused.
        islands, removed_islands: as there.
    """

    threshold: float
    mask: NDArray[np.uint8]
    probability: NDArray[np.float32] | None
    uncertainty: NDArray[np.float32] | None
    mutual_information: NDArray[np.float32] | None
    tallies: dict[int, SliceTally] = field(default_factory=dict)
    sample_volumes: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    disagreement: NDArray[np.float32] | None = None
    plane_agreement: float | None = None
    islands: IslandRule = ALL
    removed_islands: tuple[int, ...] = ()

    @classmethod
    def zeros(cls, shape: tuple[int, int, int], threshold: float, keep_maps: bool) -> PromptMaps:
        """Nothing yet; mask and maps take memory as they are filled."""
        probability, uncertainty, information = (np.zeros(shape, np.float32) if keep_maps else None for _ in range(3))
        return cls(threshold, np.zeros(shape, np.uint8), probability, uncertainty, information)

    def insert(self, axis: SliceAxis, of: PreparedSlice, sums: RunningSums) -> None:
        """Resample the means of a slice to its own grid and write them.

        The uncertainty is the entropy of the resampled probability, so that both maps always agree; the mutual
        information is resampled itself, so that interpolation does not pass for disagreement of the samples.

        Raises:
            MedCLIPSegError: the probability is not finite.
        """
        with torch.inference_mode():
            probability, information = of.placement.restore(torch.stack(sums.mean()))
            uncertainty = binary_entropy(probability)
            information = torch.minimum(information, uncertainty)
        self.write(axis, of.index, probability.cpu().numpy(), uncertainty.cpu().numpy(), sums.count)
        if self.mutual_information is not None:
            axis.insert(self.mutual_information, of.index, information.cpu().numpy())

    def insert_probability(self, axis: SliceAxis, of: PreparedSlice, probability: torch.Tensor) -> None:
        """Write a probability (S, S) alone, to be written again by ``insert``; refused as there. Only with maps."""
        assert self.probability is not None
        with torch.inference_mode():
            restored = of.placement.restore(probability[None])[0]
        shown = restored.cpu().numpy()
        _check_numbers(shown, of.index)
        axis.insert(self.probability, of.index, shown)

    def insert_score(self, axis: SliceAxis, index: int, score: NDArray[np.float32]) -> None:
        """Write a slice of a method that draws no samples: its score (H, W), 0…1, and the entropy of that.

        The mutual information stays 0. Refused as by ``insert``.
        """
        self.write(axis, index, score, binary_entropy(torch.from_numpy(score)).numpy(), 0)

    def insert_again(self, axis: SliceAxis, index: int) -> None:
        """Let all else follow from a probability that was changed on a slice that is done; only in a run with maps."""
        assert self.probability is not None
        assert self.mutual_information is not None
        probability = np.asarray(axis.extract(self.probability, index), np.float32)
        uncertainty = binary_entropy(torch.from_numpy(probability)).numpy()
        information = np.minimum(axis.extract(self.mutual_information, index), uncertainty)
        tally = self.tallies[index]
        if tally.voxels_inside:
            axis.insert(self.mask, index, np.zeros(probability.shape, np.uint8))
        self.write(axis, index, probability, uncertainty, tally.samples)
        axis.insert(self.mutual_information, index, information)

    def keep_islands(self, axis: SliceAxis, rule: IslandRule, voxel_size: float) -> None:
        """Remove islands of the mask as by ``remove_islands``, once all is done; the maps stay. Only with maps."""
        assert self.probability is not None
        assert self.uncertainty is not None
        self.islands, self.removed_islands = rule, remove_islands(self.mask, rule, voxel_size)
        for index, tally in self.tallies.items() if self.removed_islands else ():
            mask = axis.extract(self.mask, index).astype(np.bool_)
            if np.count_nonzero(mask) < tally.voxels_inside:
                probability, uncertainty = (
                    np.asarray(axis.extract(each, index), np.float32) for each in (self.probability, self.uncertainty)
                )
                self.tallies[index] = _tally(mask, probability, uncertainty, tally.samples)

    def shown(self, axis: SliceAxis, index: int) -> NDArray[np.float32]:
        """Copy of the probability of a slice as ``volume.take(index, axis)`` lies; only in a run with maps."""
        assert self.probability is not None
        return np.array(np.moveaxis(self.probability, axis.axis, 0)[index])

    @property
    def is_empty(self) -> bool:
        """No voxel is inside the mask."""
        return not any(tally.voxels_inside for tally in self.tallies.values())

    def masks_alone(self) -> PromptMaps:
        """The same without maps."""
        return replace(
            self, probability=None, uncertainty=None, mutual_information=None, disagreement=None, plane_agreement=None
        )

    def finish(
        self, prompt: str, indices: list[int], verdict: Verdict | None, knowledge: Knowledge | None = None
    ) -> PromptResult:
        """The result of the prompt.

        Args:
            prompt: its text.
            indices: slices that were asked for.
            verdict: on the answer, if it was asked for.
            knowledge: of the model, if it has any.
        """
        is_silent = _means_nothing(verdict, self.is_empty)
        uncertainty = None if is_silent else self._mean_uncertainty()
        level = None
        if knowledge is not None and uncertainty is not None and not self.is_empty:
            level = knowledge.level_of(uncertainty)
        return PromptResult(
            prompt=prompt,
            name=prompt,
            probability=self.probability,
            mask=self.mask,
            uncertainty=self.uncertainty,
            mutual_information=self.mutual_information,
            threshold=self.threshold,
            mean_uncertainty=uncertainty,
            uncertainty_level=level,
            samples_drawn=tuple(self.tallies[index].samples if index in self.tallies else 0 for index in indices),
            verdict=verdict,
            sample_volumes=tuple(self.sample_volumes.tolist()) if self.tallies and not is_silent else (),
            disagreement=self.disagreement,
            plane_agreement=self.plane_agreement,
            islands=self.islands,
            removed_islands=self.removed_islands,
        )

    def write(
        self,
        axis: SliceAxis,
        index: int,
        probability: NDArray[np.float32],
        uncertainty: NDArray[np.float32],
        samples: int,
    ) -> None:
        """Write what is known of a slice (H, W), as ``insert`` does, but for the mutual information."""
        _check_numbers(probability, index)
        mask = probability > self.threshold
        if mask.any():  # pages of the mask that nobody writes to take no memory
            axis.insert(self.mask, index, mask.view(np.uint8))
        if self.probability is not None:
            axis.insert(self.probability, index, probability)
        if self.uncertainty is not None:
            axis.insert(self.uncertainty, index, uncertainty)
        self.tallies[index] = _tally(mask, probability, uncertainty, samples)

    def _mean_uncertainty(self) -> float | None:
        """Inside the mask, or over all segmented slices if it is empty; None if there are none."""
        tallies = self.tallies.values()
        inside = sum(tally.voxels_inside for tally in tallies)
        if inside:
            return sum(tally.inside for tally in tallies) / inside
        voxels = sum(tally.voxels_outside for tally in tallies)
        return sum(tally.outside for tally in tallies) / voxels if voxels else None


def _tally(
    mask: NDArray[np.bool_], probability: NDArray[np.float32], uncertainty: NDArray[np.float32], samples: int
) -> SliceTally:
    """The tally of a slice (H, W)."""
    count = int(mask.sum())
    return SliceTally(
        samples,
        inside=_sum(uncertainty[mask]),
        outside=_sum(uncertainty[~mask]),
        voxels_inside=count,
        voxels_outside=mask.size - count,
        probability_inside=_sum(probability[mask]),
        probability_outside=_sum(probability[~mask]),
        highest=float(probability.max()),
    )


def _sum(values: NDArray[np.float32]) -> float:
    return float(values.sum(dtype=np.float64))


def _means_nothing(verdict: Verdict | None, is_empty: bool) -> bool:
    """Whether the uncertainty would pretend to know, as of nothing found where no knowledge is recorded."""
    return verdict is not None and (verdict.is_unknown or (is_empty and "no-knowledge" in verdict.doubts))


def _check_numbers(probability: NDArray[np.float32], index: int) -> None:
    if not np.isfinite(probability).all():
        raise MedCLIPSegError(
            f"The model gives values that are no numbers on slice {index}; check it with medclipseg models verify, "
            "and choose the precision float32 if it was another one."
        )
