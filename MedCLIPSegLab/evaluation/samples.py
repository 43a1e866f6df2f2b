"""How much Monte-Carlo samples differ from each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from statistics import fmean

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.model.library import LoadedModel

from ..metrics import dice_score

COMPARED_SAMPLES = 4


def mean_pairwise_dice(model: LoadedModel, request: SegmentationRequest) -> float:
    """Mean Dice between the masks of single samples, 0…1: 1 when the samples say the same.

    Four further samples are drawn, with seeds of their own.

    Args:
        model: to ask.
        request: image and one prompt; its seed and number of samples don't matter.
    """
    masks = []
    for number in range(COMPARED_SAMPLES):
        result = to_the_end(run(model, replace(request, samples=1, seed=number + 1)))
        masks.append(result.prompts[0].mask > 0)
    return fmean(dice_score(first, second) for first, second in combinations(masks, 2))
