"""``medclipseg paper-tables``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import typer

import MedCLIPSegLogic

from ..paper.configuration import TableName
from .options import AsJson, Threads, plain_option
from .printing import print_json
from .progress import progress_bar


def paper_tables_command(
    table: Annotated[TableName, typer.Argument(help="Table of the paper.", show_default=False)],
    config: Annotated[Path, plain_option(help="TOML or JSON file that names data sets, models and settings.")],
    threads: Threads = "auto",
    as_json: AsJson = False,
) -> None:
    """Run a table of the paper on your data sets.

    Trains and evaluates what the table needs, beside a U-Net without text, and writes it as Markdown and CSV beside
    the published numbers. Run it again after an interruption: what is finished is kept.

    Example: medclipseg paper-tables prompt-styles --config paper-tables.toml
    """
    with progress_bar("Paper's table") as show:
        markdown, numbers = MedCLIPSegLogic.paper_tables(
            table, config, progress=lambda what, share: show(share, what), threads=threads
        )
    if as_json:
        with numbers.open(encoding="utf-8", newline="") as file:
            print_json({"markdown": markdown, "csv": numbers, "rows": list(csv.DictReader(file))})
        return
    typer.echo(markdown.read_text(encoding="utf-8"))
    typer.echo(f"The table is in {markdown} and {numbers}.")
