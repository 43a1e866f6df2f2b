"""Which words of the prompts an image speaks for, for the record of a zero-shot run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult
from MedCLIPSegLogic.inference.result import Progress, PromptResult
from MedCLIPSegLogic.volumes.planes import SliceAxis

if TYPE_CHECKING:
    from MedCLIPSegLogic.clip_sam.saliency import TextSaliency

DIGITS = 4


def record_words(
    saliency: TextSaliency,
    result: ZeroShotResult,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
) -> list[dict[str, Any]]:
    """The words of every prompt with their weights, by both saliency methods.

    They are asked of the slice with the largest area found, or of the middle one with content when nothing is found.

    Args:
        saliency: of the run.
        result: of the run.
        seed: of the noise in M2IB.
        progress: called after every small step.

    Returns:
        One entry per prompt, ready for JSON: ``slice_index``; ``sentence``, the prompt or the first one that stands
        for it; ``m2ib`` and ``gscorecam``, each a list of [word, weight 0…1] in the order of the sentence.
    """
    axis = result.axis
    entries = []
    for number, prompt in enumerate(result.prompts, start=1):
        index = _telling_slice(prompt, result, axis)
        pixels = result.mapping.apply(axis.extract(result.volume.voxels, index))
        image = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
        steps = saliency.words(image, prompt.prompt, seed)
        count, device = len(result.prompts), result.settings["device"]
        while True:
            try:
                next(steps)
            except StopIteration as end:
                sentence, maps = end.value
                break
            if progress:
                slices = len(result.slice_indices)
                progress(Progress("words", index, slices, "prompt", number, count, 1.0, 0.0, device))
        rounded = {name: [[word, round(weight, DIGITS)] for word, weight in words] for name, words in maps.items()}
        entries.append({"slice_index": index, "sentence": sentence, **rounded})
    return entries


def _telling_slice(prompt: PromptResult, result: ZeroShotResult, axis: SliceAxis) -> int:
    areas = [np.count_nonzero(axis.extract(prompt.mask, index)) for index in result.slice_indices]
    if any(areas):
        return result.slice_indices[int(np.argmax(areas))]
    skipped = set(result.settings["skipped_slices"])
    seen = [index for index in result.slice_indices if index not in skipped] or list(result.slice_indices)
    return seen[len(seen) // 2]
