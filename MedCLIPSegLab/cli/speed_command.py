"""``medclipseg speed``."""

from __future__ import annotations

import sys
from typing import Any

import typer

import MedCLIPSegLogic

from ..speed.settings import SpeedSettings
from .options import AsJson
from .options_of import options_of
from .printing import print_json
from .progress import progress_bar

COLUMNS = ("", "s per slice", "ratio", "passes", "peak MB", "Dice", "entropy diff.", "entropy corr.")


@options_of(SpeedSettings, names={"parts": "--part"})
def speed_command(as_json: AsJson = False, **choices: Any) -> None:
    """Measure how fast this computer segments: speed, memory and agreement beside the published way of sampling.

    The baseline is a loop over whole passes of both towers, one sample at a time, with an unused extra pass, on the
    same weights, noise and images. Read the ratios: times depend on the computer and on what else it does.
    """
    with progress_bar("Measuring") as show:
        record = MedCLIPSegLogic.speed(SpeedSettings(**choices), show)
    if as_json:
        print_json(record)
        return
    machine = record["machine"]
    typer.echo(
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, "
        f"{machine['memory_gb']} GB, torch {machine['torch']}, device {record['device']}"
    )
    _print_variants(record)


def _print_variants(record: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{record['model']}: {record['slices']} slices, {record['samples']} samples")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for row in record["variants"]:
        cells = dict.fromkeys(COLUMNS, "") | {"": row["variant"]}
        if "ratio" in row:
            cells |= {
                "s per slice": f"{row['seconds_per_slice']:.3f}",
                "ratio": f"{row['ratio']:.2f}",
                "passes": f"{row['passes_mean']:.1f}",
                "Dice": f"{row['dice_median']:.4f} ({row['dice_5th_percentile']:.4f})",
                "entropy diff.": f"{row['entropy_difference_mean']:.2e}",
                "entropy corr.": f"{row['entropy_correlation_median']:.4f} "
                f"({row['entropy_correlation_5th_percentile']:.4f})",
            }
        if "peak_mb" in row:
            cells["peak MB"] = f"{row['peak_mb']:.0f}"
        table.add_row(*cells.values())
    # A pipe has no width; the table needs this much.
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    typer.echo("Medians over slices, in brackets the 5th percentile; agreement is with the published loop's result.")
    if "sample_spread" in record:
        spread = record["sample_spread"]
        typer.echo(
            f"Samples differ by a standard deviation of {spread['deviation_median']:.4f} where they are not certain; "
            f"the mask of one has a Dice of {spread['dice_of_one_sample_median']:.4f} with the mask of all."
        )
