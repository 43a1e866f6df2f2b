"""``medclipseg demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import MedCLIPSegLogic

from .progress import progress_bar, time_left


def demo_command(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("medclipseg-demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier demo.")] = False,
) -> None:
    """Segment three bundled cases with known truth and show how well it went."""
    with progress_bar("Demo") as show:
        outcomes = MedCLIPSegLogic.demo(
            out,
            overwrite=overwrite,
            progress=lambda case, p: show(
                p.fraction, f"{case}, slice {p.slice_number} of {p.slice_count}, {time_left(p.seconds_left)}"
            ),
        )
    for outcome in outcomes:
        typer.echo(f'{outcome.title}: "{outcome.prompt}"')
        typer.echo(f"  Dice {outcome.dice:.3f} against the known truth, {outcome.seconds:.1f} s, {outcome.preview}")
