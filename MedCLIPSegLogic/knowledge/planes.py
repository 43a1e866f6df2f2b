"""In which plane of a volume a model does best with what a prompt asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from .known import Knowledge, KnownKind
from .understanding import understand

KnownPlane = Literal["axial", "coronal", "sagittal"]
Weights = tuple[float, float, float]


def known_plane(prompts: Sequence[str], knowledge: Knowledge) -> KnownPlane | None:
    """The plane on which all kinds of volume that have the asked things agree; None without one.

    Args:
        prompts: as typed.
        knowledge: of the model.
    """
    planes = {kind.plane for kind in _kinds(prompts, knowledge)}
    return planes.pop() if len(planes) == 1 else None


def known_weights(prompts: Sequence[str], knowledge: Knowledge) -> Weights | None:
    """Weights of the axial, the coronal and the sagittal plane where they are fused; arguments as for
    :func:`known_plane`.

    Returns:
        The mean over the kinds of volume that have the asked things; None where nobody measured.
    """
    measured = [kind.plane_weights for kind in _kinds(prompts, knowledge) if kind.plane_weights]
    if not measured:
        return None
    first, second, third = (sum(weights) / len(measured) for weights in zip(*measured, strict=True))
    return first, second, third


def _kinds(prompts: Sequence[str], knowledge: Knowledge) -> list[KnownKind]:
    names = dict.fromkeys(name for prompt in prompts for name in _kinds_of(prompt, knowledge))
    return [knowledge.kinds[name] for name in names]


@lru_cache(maxsize=256)
def _kinds_of(prompt: str, knowledge: Knowledge) -> tuple[str, ...]:
    """Kinds of volume on which the model finds what a prompt asks for; pictures have no planes.

    A prompt counts as what it would be asked as in the model's own words: where that is not allowed it is held back.
    """
    found = []
    for name, kind in knowledge.kinds.items():
        if kind.plane is not None:
            asked = understand(prompt, knowledge, name, own_words=True)
            if asked.thing is not None and not asked.known_on:
                found.append(name)
    return tuple(found)
