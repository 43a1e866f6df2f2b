"""What a weakly supervised run tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["pseudo-masks", "preparing", "training", "predicting"]


@dataclass(frozen=True)
class WeakProgress:
    """One step.

    Args:
        stage: what is being done.
        number: of the image, training step or epoch, from 1.
        count: of them.
        detail: a few words, such as the name of the image or the loss.
        class_name: of the class; empty when there is only one.
    """

    stage: Stage
    number: int
    count: int
    detail: str
    class_name: str = ""


Report = Callable[[WeakProgress], None]
