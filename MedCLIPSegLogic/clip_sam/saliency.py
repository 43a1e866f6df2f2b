"""From a method's name and a prompt's sentences to saliency maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .gscorecam import GScoreCam, gscorecam
from .m2ib import M2IB, PUBLISHED, m2ib
from .methods import METHODS, MethodName
from .text_maps import TEXT_SETTINGS, WordMap, gscorecam_text, m2ib_text
from .towers import ClipTowers

Sentences = Callable[[str], Sequence[str]]
"""The sentences a prompt stands for."""
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
        sentences: what a prompt stands for; None for the prompt itself.
    """

    def __init__(self, towers: ClipTowers, settings: GScoreCam | M2IB, sentences: Sentences | None = None) -> None:
        self._towers, self._settings = towers, settings
        self._sentences = sentences or (lambda prompt: [prompt])
        self._vectors: dict[str, Tensor] = {}

    def __call__(self, image: NDArray[np.uint8], prompt: str) -> Generator[None, None, NDArray[np.float32]]:
        """Map (H, W) float32, 0…1, of an image (H, W, 3), in small steps.

        Raises:
            MedCLIPSegError: the model knows no word of a sentence.
        """
        if prompt not in self._vectors:
            self._vectors[prompt] = ensemble_vector(self._towers, self._sentences(prompt))
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
        sentence = self._sentences(prompt)[0]
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
    return TextSaliency(towers, settings, lambda prompt: sentences.get(prompt, [prompt])), record
