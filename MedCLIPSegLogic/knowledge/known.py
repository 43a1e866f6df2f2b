"""What a model knows: things by kind of image, words, sizes. Written by training, read with the model; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from ..checked import checked
from ..errors import MedCLIPSegError
from .image_rule import ImageRule

KNOWLEDGE_FILE = "knowledge.json"
UNDERSTOOD_SHARE = 0.9
"""Share of a thing's Dice that another wording must reach on validation images to count as understood."""
MOST_THUMBNAIL = 12_000
"""Letters of a thumbnail."""
LEAST_DICE = 0.1
"""Dice below which no name of a thing is understood, the thing's own included."""
MOST_LETTERS, LONGEST_PROMPT = 80, 300
"""Of the name of a kind, a thing or a word; of an example."""
Name = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Literal["low", "medium", "high"]
"""Of the uncertainty of an answer, compared with the model's answers on validation images."""


@checked
class KnownThing:
    """A thing the model can find on a kind of image.

    Args:
        images: training images that show it.
        dice: mean Dice on validation images when asked for by this name alone; None when nobody measured.
        wordings: the same for other names of it (plural, synonyms), also those the model does not understand.
        unrelated: the same for words that mean nothing or something that cannot be there; near ``dice`` where the model
            outlines the thing whatever it is asked for.
    """

    images: Annotated[int, Field(ge=0)]
    dice: Share | None = None
    wordings: Mapping[Name, Share] = field(default_factory=dict)
    unrelated: Share | None = None

    @property
    def understood(self) -> tuple[str, ...]:
        """Other names that do as well as the thing's own, the best first."""
        limit = UNDERSTOOD_SHARE * (self.dice or 0.0)
        good = {name: dice for name, dice in self.wordings.items() if dice >= max(limit, LEAST_DICE)}
        return tuple(sorted(good, key=lambda name: -good[name]))

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The other names."""
        return tuple(name for name in self.wordings if name not in self.understood)


@checked
class KnownKind:
    """A kind of image the model was trained on.

    Args:
        images: training images.
        things: by the name that is best understood.
        area: 1st, 25th, 50th, 75th and 99th percentile of the share of the image (of a slice) that masks cover.
        plane: plane in which the model does best on volumes of this kind; None for pictures.
        plane_weights: of the axial, the coronal and the sagittal plane when all three are fused; None when nobody
            measured.
        obeys_place: share of prompts naming one of two places whose mask lay there; None when nobody measured.
        prompts: some training prompts, as examples of the style.
        thumbnail: a JPEG picture of such an image, at most 64 pixels wide and high, in Base64; empty for none.
    """

    images: Annotated[int, Field(ge=0)]
    things: Mapping[Name, KnownThing]
    area: tuple[Share, Share, Share, Share, Share] | None = None
    plane: Literal["axial", "coronal", "sagittal"] | None = None
    plane_weights: tuple[Share, Share, Share] | None = None
    obeys_place: Share | None = None
    prompts: tuple[Annotated[str, Field(max_length=LONGEST_PROMPT)], ...] = ()
    thumbnail: Annotated[str, Field(max_length=MOST_THUMBNAIL)] = ""


@checked
class AnswerRule:
    """Logistic rule that says how likely an answer is good, from signs of the answer.

    Args:
        signs: names of the signs.
        weights: one per sign, of the standardized sign.
        means, deviations: of the signs, to standardize them.
        bias: of the rule.
        limit: expected Dice below which an answer is doubtful.

    Raises:
        MedCLIPSegError: a value is out of range, or there are not as many of each as signs.
    """

    signs: tuple[str, ...]
    weights: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[Annotated[float, Field(gt=0)], ...]
    bias: float
    limit: Share

    def __post_init__(self) -> None:
        if not len(self.signs) == len(self.weights) == len(self.means) == len(self.deviations):
            raise MedCLIPSegError("The rule of answers needs a weight, a mean and a deviation for each sign.")


@checked
class Knowledge:
    """All a model folder says of what its model knows.

    Args:
        kinds: kinds of image by name, such as "breast ultrasound".
        words: how often a word stood for something present in training, by kind of image.
        answer: how to tell a doubtful answer; None when that was not learned.
        image: how to tell the kind of an image; None when that was not learned.
        uncertainty: mean uncertainty in nats inside the mask that a third of the answers on validation images, and two
            thirds, do not exceed; None when nobody measured.
    """

    kinds: Mapping[Name, KnownKind]
    words: Mapping[Name, Mapping[Name, Annotated[int, Field(ge=0)]]] = field(default_factory=dict)
    answer: AnswerRule | None = None
    image: ImageRule | None = None
    uncertainty: tuple[Share, Share] | None = None

    __hash__ = object.__hash__
    """By identity, so that what is derived from it can be kept."""

    def level_of(self, uncertainty: float) -> Level | None:
        """Whether a mean uncertainty in nats is that of the surest third of answers, the middle one, or the rest."""
        if self.uncertainty is None:
            return None
        low, high = self.uncertainty
        return "low" if uncertainty <= low else "medium" if uncertainty <= high else "high"

    def things_of(self, kind: str | None) -> list[str]:
        """Names of things the model finds on a kind of image, the best first; of all kinds for None.

        A thing that it was trained on and does not find (Dice below :data:`LEAST_DICE`) is none of them.
        """
        kinds = [self.kinds[kind]] if kind is not None and kind in self.kinds else list(self.kinds.values())
        known = [
            (thing.dice or 0.0, name)
            for one in kinds
            for name, thing in one.things.items()
            if thing.dice is None or thing.dice >= LEAST_DICE
        ]
        return list(dict.fromkeys(name for _, name in sorted(known, reverse=True)))
