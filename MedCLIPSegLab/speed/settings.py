"""What ``medclipseg speed`` measures; read without loading torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked
from MedCLIPSegLogic.inference.request import Threads
from MedCLIPSegLogic.model.catalog import FIRST_MODEL

Part = Literal["variants", "memory"]


@checked
@dataclass(frozen=True)
class SpeedSettings:
    """What is measured, and how often."""

    model: Annotated[
        str, Field(description="Name of a bundled model, a model folder, or unimedclip with --random-weights.")
    ] = FIRST_MODEL
    random_weights: Annotated[bool, Field(description="Only the sizes of the model: enough to measure speed.")] = False
    data: Annotated[
        tuple[Path, ...],
        Field(
            description="Data set folder whose test images are segmented; repeat for more. Without, the demo cases are."
        ),
    ] = ()
    limit: Annotated[int | None, Field(ge=1, description="Images per data set, or demo cases; all by default.")] = None
    samples: Annotated[
        int, Field(ge=3, le=1000, title="number of samples", description="Monte-Carlo passes of the reference.")
    ] = 30
    repeats: Annotated[
        int, Field(ge=1, title="number of repeats", description="Rounds over all images; medians are shown.")
    ] = 3
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where to compute.")] = "auto"
    threads: Threads = "auto"
    parts: Annotated[
        tuple[Part, ...],
        Field(description="variants compares speed and results, memory the peak of each; repeat for both."),
    ] = ("variants", "memory")
