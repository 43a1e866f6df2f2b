"""From a method's name and a prompt's sentences to saliency maps, and to the words of a prompt an image speaks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..inference.clip_towers import LOGIT_SCALE, ClipTowers, to_unit_range
from .gscorecam import SMALLEST_RANGE, GScoreCam, combine_channels, gscorecam
from .m2ib import M2IB, PUBLISHED, fit_bottleneck, m2ib
from .methods import METHODS, MethodName

WordMap = list[tuple[str, float]]
"""Words of the prompt in order, each with its weight 0…1, the largest of its pieces."""
TEXT_SETTINGS = M2IB(layer=9, beta=0.3)
"""Of the released text maps."""


def m2ib_text(
    towers: ClipTowers, pixels: NDArray[np.uint8], prompt: str, settings: M2IB = TEXT_SETTINGS
) -> Generator[None, None, WordMap]:
    """Information every word must keep for the prompt to stay close to the image.

    Args:
        towers: to ask.
        pixels: (H, W, 3), R, G, B.
        prompt: one text.
        settings: of the fit.

    Raises:
        MedCLIPSegError: the model knows no word of the prompt.
    """
    ids, layer = towers.tokenize([prompt]), settings.layer_of(towers.text_blocks)
    with torch.no_grad():
        image = towers.image_vectors(towers.prepare(pixels).input)[0]
        tokens, state = towers.begin_text(ids, layer)
    kept = yield from fit_bottleneck(tokens, lambda noisy: towers.finish_text(noisy, layer + 1, state), image, settings)
    return _words(towers, ids, kept)


def gscorecam_text(
    towers: ClipTowers, pixels: NDArray[np.uint8], prompt: str, settings: GScoreCam | None = None
) -> Generator[None, None, WordMap]:
    """gScoreCAM over the words: channels of the tokens that enter the last text block, by what the prompt scores when
    only the words of a channel are left.

    Args:
        towers: to ask.
        pixels: (H, W, 3), R, G, B.
        prompt: one text.
        settings: number of channels and batch.

    Raises:
        MedCLIPSegError: the model knows no word of the prompt.
    """
    settings, last = settings or GScoreCam(), towers.text_blocks - 1
    ids = towers.tokenize([prompt])
    with torch.no_grad():
        image = towers.image_vectors(towers.prepare(pixels).input)[0]
        embedded, state = towers.begin_text(ids, -1)
        entering, _ = towers.begin_text(ids, last - 1)
    entering = entering.requires_grad_()
    with torch.enable_grad():
        logit = LOGIT_SCALE * towers.finish_text(entering, last, state)[0] @ image
    (gradient,) = torch.autograd.grad(logit, entering)

    def score(channels: Tensor) -> Tensor:
        low, high = channels.amin(dim=0), channels.amax(dim=0)
        masks = ((channels - low) / (high - low + SMALLEST_RANGE)).T
        return torch.cat([towers.finish_text(embedded * mask[:, None], 0, state) for mask in masks]) @ image

    combined = yield from combine_channels(entering.detach()[0], gradient[0], score, settings)
    return _words(towers, ids, combined)


def _words(towers: ClipTowers, ids: Tensor, values: Tensor) -> WordMap:
    """The words between the marks of start and end, with the values of their tokens stretched to 0…1.

    There is nothing to compare a single token with: it has all the weight.
    """
    words = towers.words(ids[0])
    inside = [position for _, positions in words for position in positions]
    stretched = to_unit_range(values[inside]) if len(inside) > 1 else torch.ones(len(inside))
    weights = dict(zip(inside, stretched.tolist(), strict=True))
    return [(word, max(weights[position] for position in positions)) for word, positions in words]


PUBLISHED_FOR = {"brain MRI": "brain", "breast ultrasound": "breast"}
"""Studies for which settings of M2IB were published."""


def ensemble_vector(towers: ClipTowers, sentences: Sequence[str]) -> Tensor:
    """The mean of the unit vectors of several sentences, of unit length again: (D,)."""
    return functional.normalize(towers.text_vectors(sentences).mean(dim=0), dim=0)


class TextSaliency:
    """Saliency of prompts, as a zero-shot run takes it; every prompt is encoded once.

    Args:
        towers: to ask.
        settings: of the method; their kind chooses it.
        sentences: what stands for a prompt in place of itself.
    """

    def __init__(
        self, towers: ClipTowers, settings: GScoreCam | M2IB, sentences: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._towers, self._settings = towers, settings
        self._sentences = sentences or {}
        self._vectors: dict[str, Tensor] = {}

    def __call__(self, image: NDArray[np.uint8], prompt: str) -> Generator[None, None, NDArray[np.float32]]:
        """Map (H, W) float32, 0…1, of an image (H, W, 3), in small steps.

        Raises:
            MedCLIPSegError: the model knows no word of a sentence.
        """
        if prompt not in self._vectors:
            self._vectors[prompt] = ensemble_vector(self._towers, self._sentences.get(prompt, [prompt]))
        text = self._vectors[prompt]
        if isinstance(self._settings, M2IB):
            return (yield from m2ib(self._towers, image, text, self._settings))
        return (yield from gscorecam(self._towers, image, text, self._settings))

    def words(
        self, image: NDArray[np.uint8], prompt: str, seed: int = 0
    ) -> Generator[None, None, tuple[str, dict[str, WordMap]]]:
        """For which words an image speaks, in small steps, by both methods whatever the saliency is made by.

        Args:
            image: (H, W, 3).
            prompt: as for a map; if sentences stand for it, the first of them is read.
            seed: of the noise in M2IB.

        Returns:
            The sentence, and its words under "m2ib" and "gscorecam".

        Raises:
            MedCLIPSegError: the model knows no word of the sentence.
        """
        sentence = self._sentences.get(prompt, [prompt])[0]
        kept = yield from m2ib_text(self._towers, image, sentence, dataclasses.replace(TEXT_SETTINGS, seed=seed))
        scored = yield from gscorecam_text(self._towers, image, sentence)
        return sentence, {"m2ib": kept, "gscorecam": scored}


def method_saliency(
    method: MethodName, towers: ClipTowers, seed: int, study: str | None, sentences: Mapping[str, list[str]]
) -> tuple[TextSaliency, dict[str, Any]]:
    """The saliency of a method, and what there is to record of it.

    Args:
        method: whose saliency.
        towers: on their device.
        seed: of the noise in M2IB.
        study: kind of study, for the settings of M2IB that were published for it.
        sentences: what stands for a prompt in place of itself.
    """
    settings: M2IB | GScoreCam = GScoreCam()
    if METHODS[method].saliency == "m2ib":
        settings = dataclasses.replace(PUBLISHED[PUBLISHED_FOR.get(study or "", "default")], seed=seed)
    used = {"method": METHODS[method].saliency, **dataclasses.asdict(settings)}
    if isinstance(settings, GScoreCam):
        used["channels"] = settings.channels_of(towers.width)
    record = {"saliency": used, "study": study, "sentences": dict(sentences)}
    return TextSaliency(towers, settings, sentences), record
