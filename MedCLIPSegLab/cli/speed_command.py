"""``medclipseg bench``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import AsJson, Device
from .progress import progress_bar


def bench_command(
    model: Annotated[
        str, typer.Option(help="Name of a bundled model, a model folder, or unimedclip with --random-weights.")
    ] = "mini",
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Only the sizes of the model: enough to measure speed.")
    ] = False,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Data set folder whose test images are segmented; repeat for more. Without, the demo cases are.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Images a data set, or demo cases.", show_default=False)
    ] = None,
    samples: Annotated[int, typer.Option(help="Monte-Carlo passes of the reference.")] = 30,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds over all images; medians are shown.")] = 3,
    device: Device = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0 for torch's choice.")] = 0,
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="What to measure: variants, memory, volumes, start-up or scene; repeat for more. Everything without.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure speed, memory and agreement beside the published way of sampling.

    The baseline is a loop over whole passes of both towers, one sample at a time, with an unused extra pass, on the
    same weights, noise and images. Read the ratios: times depend on the computer and on what else it does.
    """
    from ..speed.bench import PARTS, bench

    with progress_bar("Measuring") as show:
        record = bench(
            model,
            random_weights=random_weights,
            data=data or (),
            limit=limit,
            samples=samples,
            repeats=repeats,
            device=device,
            threads=threads,
            parts=part or PARTS,
            progress=show,
        )
    if as_json:
        typer.echo(json.dumps(record, indent=2))
    else:
        _print(record)


def _print(record: dict[str, Any]) -> None:
    machine = record["machine"]
    typer.echo(
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, "
        f"{machine['memory_gb']} GB, torch {machine['torch']}, device {record['device']}"
    )
    if "variants" in record:
        _print_variants(record)
    for what, rows in record.get("volumes", {}).items():
        typer.echo(f"\nVolumes, by {what}")
        for row in rows:
            typer.echo(
                f"  {row['count']:4d} {what}: {row['seconds_per_slice']:.3f} s a slice, peak {row['peak_mb']:.0f} MB, "
                f"without image and output {row['rest_mb']:.0f} MB"
            )
    if "start_up" in record:
        times = record["start_up"]
        typer.echo(
            f"\nStart-up: help {times['help_seconds']:.2f} s, first result {times['first_result_seconds']:.1f} s"
        )
    if "scene" in record:
        scene = record["scene"]
        typer.echo(
            f"\nScene, {' x '.join(map(str, scene['voxels']))} voxels: written in {scene['writing_seconds']:.2f} s, "
            f"threshold moved in {scene['threshold_ms']:.0f} ms (the first time {scene['first_threshold_ms']:.0f} ms)"
        )


def _print_variants(record: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{record['model']}: {record['slices']} slices, {record['samples']} samples")
    for column in ("", "s a slice", "ratio", "passes", "peak MB", "Dice", "entropy diff.", "entropy corr."):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for row in record["variants"]:
        cells = [row["variant"], *[""] * 7]
        if "ratio" in row:
            cells[1:4] = f"{row['seconds_per_slice']:.3f}", f"{row['ratio']:.2f}", f"{row['passes_mean']:.1f}"
            cells[5] = f"{row['dice_median']:.4f} ({row['dice_5th_percentile']:.4f})"
            cells[6] = f"{row['entropy_difference_mean']:.2e}"
            correlation = "entropy_correlation_median", "entropy_correlation_5th_percentile"
            cells[7] = f"{row[correlation[0]]:.4f} ({row[correlation[1]]:.4f})"
        if "peak_mb" in row:
            cells[4] = f"{row['peak_mb']:.0f}"
        table.add_row(*cells)
    # A pipe has no width; the table needs this much.
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    typer.echo("Medians over slices, in brackets the 5th percentile; agreement is with the published loop's result.")
    if "sample_spread" in record:
        spread = record["sample_spread"]
        typer.echo(
            f"Samples differ by a standard deviation of {spread['deviation_median']:.4f} where they are not certain; "
            f"the mask of one has a Dice of {spread['dice_of_one_sample_median']:.4f} with the mask of all."
        )
