"""The rule of the adaptive mode: how many samples a slice gets. Imports no torch."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from ..checked import checked

GROWTH = 1.5


@checked
class AdaptiveSampling:
    """Draw samples of a slice until its result has settled, but no more than the request's ``samples``, N.

    The rule is applied to each prompt of each slice, on the square map of the model input, when n samples are drawn:
    n is ``minimum`` at first and then grows by half, rounded up, so that it depends on nothing but this rule. With the
    running mean p of the probability and the standard deviation s of the samples (divisor n − 1), the error that is
    left towards the mean of all N samples is estimated as e = s·√(1/n − 1/N), the Monte-Carlo standard error with the
    correction for a finite population. The slice has settled when

    1. the expected number of pixels whose side of the threshold t would still change, Σ Φ(−|p − t| / e), is at most
       ``mask_change`` times the pixels above t (or a thousandth of all pixels, if that is more), Φ being the standard
       normal distribution; Dice of the masks then loses about half of that share;
    2. the root mean square of what one e does to the entropy map, max |H(p ± e) − H(p)|, is at most ``entropy_change``
       times the standard deviation of the entropies over the map; the maps then correlate by about
       1/√(1 + ``entropy_change``²).

    The values were chosen on Val folders with the model ``mini``.

    Args:
        minimum: samples that are always drawn, at least 3 (or N, if that is less).
        mask_change: largest expected share of the mask that would still change.
        entropy_change: largest relative error of the entropy map.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    minimum: Annotated[int, Field(ge=3, title="least number of samples")] = 3
    mask_change: Annotated[float, Field(ge=0)] = 0.015
    entropy_change: Annotated[float, Field(ge=0)] = 0.15

    def counts(self, samples: int) -> list[int]:
        """The numbers of samples after which the rule is applied, rising to ``samples``."""
        counts = [min(self.minimum, samples)]
        while counts[-1] < samples:
            counts.append(min(math.ceil(GROWTH * counts[-1]), samples))
        return counts
