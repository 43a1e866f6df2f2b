"""Maps of a run on the voxel grid of its volume."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..volumes.planes import SliceAxis
from .preprocess import PreparedSlice
from .result import PromptResult
from .uncertainty import RunningSums, binary_entropy


@dataclass(eq=False)
class PromptMaps:
    """Maps (K, J, I) of one prompt, filled slice by slice.

    Args:
        probability, uncertainty, mutual_information: as in :class:`PromptResult`.
        samples: samples drawn, by slice index.
    """

    probability: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    mutual_information: NDArray[np.float32]
    samples: dict[int, int] = field(default_factory=dict)

    @classmethod
    def zeros(cls, shape: tuple[int, int, int]) -> PromptMaps:
        """Empty maps; they take memory as they are filled."""
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))

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
        self._insert_probability(axis, of.index, probability.cpu().numpy())
        axis.insert(self.uncertainty, of.index, uncertainty.cpu().numpy())
        axis.insert(self.mutual_information, of.index, information.cpu().numpy())
        self.samples[of.index] = sums.count

    def insert_probability(self, axis: SliceAxis, of: PreparedSlice, probability: torch.Tensor) -> None:
        """Write a probability (S, S) alone, to be written again by ``insert``; refused as there."""
        with torch.inference_mode():
            restored = of.placement.restore(probability[None])[0]
        self._insert_probability(axis, of.index, restored.cpu().numpy())

    def insert_score(self, axis: SliceAxis, index: int, score: NDArray[np.float32]) -> None:
        """Write a slice of a method that draws no samples: its score (H, W), 0…1, and the entropy of that.

        The mutual information stays 0. Refused as by ``insert``.
        """
        self._insert_probability(axis, index, score)
        axis.insert(self.uncertainty, index, binary_entropy(torch.from_numpy(score)).numpy())
        self.samples[index] = 0

    def _insert_probability(self, axis: SliceAxis, index: int, probability: NDArray[np.float32]) -> None:
        if not np.isfinite(probability).all():
            raise MedCLIPSegError(
                f"The model gives values that are no numbers on slice {index}; check it with medclipseg models verify, "
                "and choose the precision float32 if it was another one."
            )
        axis.insert(self.probability, index, probability)

    def shown(self, axis: SliceAxis, index: int) -> NDArray[np.float32]:
        """Copy of the probability of a slice as ``volume.take(index, axis)`` lies."""
        return np.array(np.moveaxis(self.probability, axis.axis, 0)[index])

    def finish(self, prompt: str, threshold: float, axis: SliceAxis, indices: list[int]) -> PromptResult:
        """The result of the prompt.

        Args:
            prompt: its text.
            threshold: of the mask.
            axis: of the slices.
            indices: slices that were asked for.
        """
        mask = self.probability > threshold
        return PromptResult(
            prompt=prompt,
            name=prompt,
            probability=self.probability,
            mask=mask.view(np.uint8),
            uncertainty=self.uncertainty,
            mutual_information=self.mutual_information,
            threshold=threshold,
            mean_uncertainty=self._mean_uncertainty(mask, axis),
            samples_drawn=tuple(self.samples.get(index, 0) for index in indices),
        )

    def _mean_uncertainty(self, mask: NDArray[np.bool_], axis: SliceAxis) -> float:
        """Inside the mask, or over all segmented slices if it is empty; slice by slice, to copy little."""
        somewhere = bool(mask.any())
        total, count = 0.0, 0
        for index in self.samples:
            values = np.moveaxis(self.uncertainty, axis.axis, 0)[index]
            seen = values[np.moveaxis(mask, axis.axis, 0)[index]] if somewhere else values
            total, count = total + float(seen.sum(dtype=np.float64)), count + seen.size
        return total / count if count else 0.0
