"""What evaluations have in common to choose; read without loading torch."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked
from MedCLIPSegLogic.inference.request import MAX_SAMPLES, Threads

METRICS_TABLE = "metrics.csv"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"


@checked
class EvaluationSettings:
    """How a model or masks are compared with what is known.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    _: KW_ONLY
    split: Annotated[
        Literal["Test", "Val"], Field(description="Images of data sets: Test, or Val to choose settings by.")
    ] = "Test"
    samples: Annotated[
        int, Field(ge=1, le=MAX_SAMPLES, title="number of samples", description="Monte-Carlo passes of a model.")
    ] = 10
    tolerance: Annotated[
        float, Field(ge=0, description="Of the NSD, in mm; in pixels for pictures without pixel size.")
    ] = 2.0
    limit: Annotated[int | None, Field(ge=1, description="First rows of each sheet only.")] = None
    threads: Threads = "auto"
