"""``medclipseg evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .progress import progress_bar


def evaluate_command(
    model: Annotated[
        str,
        typer.Option(
            help="Name of a bundled or installed model (see models list), or a model folder.", show_default=False
        ),
    ],
    images: Annotated[Path, typer.Option(help="Folder of the images.", show_default=False)],
    labels: Annotated[Path, typer.Option(help="Folder of the known masks or label maps.", show_default=False)],
    prompts: Annotated[
        Path,
        typer.Option(
            help="Sheet (.xlsx or .csv) with the columns Image, Description, Ground Truth and, for label maps, "
            "Label Values.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for metrics.csv and metrics.json.", show_default=False)],
    samples: Annotated[int, typer.Option(help="Monte-Carlo passes.")] = 10,
    limit: Annotated[int | None, typer.Option(help="First rows only.", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier evaluation.")] = False,
) -> None:
    """Compare a model with known masks, row by row of a prompt sheet."""
    from ..workflows.evaluate import evaluate

    with progress_bar("Evaluating") as show:
        metrics = evaluate(
            model,
            images,
            labels,
            prompts,
            out,
            samples=samples,
            limit=limit,
            overwrite=overwrite,
            progress=lambda number, count, score: show(number / count, f"{score.image}: Dice {score.dice:.3f}"),
        )
    typer.echo(
        f"{metrics['count']} prompts: mean Dice {metrics['dice_mean']:.4f}, median {metrics['dice_median']:.4f} "
        f"(empty masks {metrics['dice_empty_mean']:.4f}, everything {metrics['dice_all_foreground_mean']:.4f})"
    )
    typer.echo(f"Results in {out}.")
