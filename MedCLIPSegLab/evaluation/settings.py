"""What evaluations have in common to choose; read without loading torch."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked
from MedCLIPSegLogic.inference.request import MAX_SAMPLES, Device, Seed, Threads

METRICS_TABLE = "metrics.csv"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
Split = Annotated[Literal["Test", "Val"], Field(description="Images of data sets: Test, or Val to choose settings by.")]
Samples = Annotated[
    int, Field(ge=1, le=MAX_SAMPLES, title="number of samples", description="Monte-Carlo passes of a model.")
]
Limit = Annotated[int | None, Field(ge=1, description="First rows of each sheet only.")]


@checked
class MaskSettings:
    """How masks are compared with what is known.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    _: KW_ONLY
    split: Split = "Test"
    tolerance: Annotated[
        float, Field(ge=0, description="Of the NSD, in mm; in pixels for pictures without pixel size.")
    ] = 2.0
    limit: Limit = None
    threads: Threads = "auto"


@checked
class EvaluationSettings(MaskSettings):
    """How a model is asked, and its masks compared with what is known.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    _: KW_ONLY
    samples: Samples = 10
    seed: Seed = 0
    device: Device = "auto"


@checked
class ProbeSettings:
    """What of the data sets a model is asked in a probe.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    _: KW_ONLY
    split: Split = "Test"
    samples: Samples = 10
    limit: Limit = None
    threads: Threads = "auto"
