"""``medclipseg benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .progress import progress_bar


def benchmark_command(
    protocol: Annotated[
        Literal["data-efficiency", "domain-generalization", "prompt-styles", "backbones"],
        typer.Argument(help="Table of the paper.", show_default=False),
    ],
    config: Annotated[
        Path, typer.Option(help="TOML or JSON file that names data sets, models and settings.", show_default=False)
    ],
) -> None:
    """Run a table of the paper on your data sets.

    Trains and evaluates what the table needs, beside a U-Net without text, and writes it as Markdown and CSV beside
    the published numbers. Run it again after an interruption: what is finished is kept.

    Example: medclipseg benchmark prompt-styles --config benchmark.toml
    """
    from ..paper.benchmark import benchmark

    with progress_bar("Benchmark") as show:
        markdown, table = benchmark(protocol, config, progress=lambda what, share: show(share, what))
    typer.echo(markdown.read_text(encoding="utf-8"))
    typer.echo(f"The table is in {markdown} and {table}.")
