"""Names the kind of an image by features of a model's image tower; learned with the model, and needs no torch."""

from __future__ import annotations

import base64
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from ..checked import checked
from ..errors import MedCLIPSegError
from .sight import ImageSight

MOST_FEATURES, MOST_KINDS = 16384, 200
NO_MEDICAL_IMAGE = "no medical image"
"""Kind of drawings, photographs, noise and altered images."""
CLEAR = 0.5
"""Probability from which on an image is said to look like a kind."""
FARTHEST = 6.0
"""Standard deviations at which features are cut off, so that a strange image is not judged by one of them."""
Packed = Annotated[str, Field(max_length=4 * MOST_FEATURES * MOST_KINDS)]


@checked
class ImageRule:
    """Multinomial logistic rule over standardized features.

    Numbers are float32 in little-endian order (the weights float16), in Base64.

    Args:
        kinds: names, those that the model knows first.
        known: how many it knows.
        limit: probability of all others together from which on an image is foreign.
        center, scale: (F,) mean and standard deviation of the features.
        weights: (kinds, F).
        bias: (kinds,).

    Raises:
        MedCLIPSegError: the numbers do not fit each other.
    """

    kinds: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...]
    known: Annotated[int, Field(ge=1, le=MOST_KINDS)]
    limit: Annotated[float, Field(gt=0, lt=1)]
    center: Packed
    scale: Packed
    weights: Packed
    bias: Packed

    def __post_init__(self) -> None:
        center, scale, weights, bias = self._numbers()
        fits = weights.shape == (len(self.kinds), len(center)) and len(scale) == len(center)
        if not fits or len(bias) != len(self.kinds) or self.known >= len(self.kinds) or not (scale > 0).all():
            raise MedCLIPSegError("The rule for kinds of image holds numbers that do not fit each other.")

    def sight(self, features: NDArray[np.float32]) -> ImageSight:
        """What an image with features (F,) looks like.

        Raises:
            MedCLIPSegError: there are more or fewer features than the rule was learned with.
        """
        center, scale, weights, bias = self._numbers()
        if features.shape != center.shape:
            raise MedCLIPSegError(
                "What the model knows was recorded with other weights; record it anew with medclipseg know."
            )
        logits = weights @ np.clip((features - center) / scale, -FARTHEST, FARTHEST) + bias
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        foreign = float(shares[self.known :].sum())
        is_foreign = foreign >= self.limit
        likely = int(shares[self.known :].argmax()) + self.known if is_foreign else int(shares[: self.known].argmax())
        looks_like = self.kinds[likely] if shares[likely] >= CLEAR else ""
        if is_foreign:
            return ImageSight(None, looks_like, foreign, True)
        return ImageSight(self.kinds[likely], looks_like, foreign, False, float(shares[likely]))

    def _numbers(self) -> tuple[NDArray[np.float32], ...]:
        center, scale, bias = (_unpacked(text, "<f4") for text in (self.center, self.scale, self.bias))
        weights = _unpacked(self.weights, "<f2")
        if not len(center) or len(weights) % len(center):
            raise MedCLIPSegError("The rule for kinds of image holds numbers that do not fit each other.")
        return center, scale, weights.reshape(-1, len(center)), bias


def packed(values: ArrayLike, kind: str = "<f4") -> str:
    """Numbers as Base64 text."""
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(kind)).tobytes()).decode()


def _unpacked(text: str, kind: str) -> NDArray[np.float32]:
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), np.dtype(kind)).astype(np.float32)
    except ValueError:
        raise MedCLIPSegError("The rule for kinds of image holds something that is no numbers.") from None
    if not np.isfinite(values).all():
        raise MedCLIPSegError("The rule for kinds of image holds numbers that are not finite.")
    return values
