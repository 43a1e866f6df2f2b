"""``medclipseg data``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

import MedCLIPSegLogic

from .options import AsJson
from .printing import print_json

data_app = typer.Typer(no_args_is_help=True, help="Look after data sets.")


@data_app.callback()
def _data() -> None:
    """Look after data sets."""


@data_app.command("check")
def check_command(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Data set folders in MedCLIPSeg's layout.", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """Report missing pairs, masks that do not fit, prompts without images, and leakage between splits.

    Ends with 1 when training or evaluation would stop at an error.
    """
    from .progress import progress_bar

    with progress_bar("Checking") as show:
        findings = MedCLIPSegLogic.check_data(folders, lambda number, count, path: show(number / count, path.name))
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            typer.echo(f"{finding.severity}: {finding.kind}: {finding.text}")
        kinds = Counter((finding.severity, finding.kind) for finding in findings)
        for (severity, kind), number in kinds.items():
            typer.echo(f"{number} x {severity}: {kind}")
        if not findings:
            typer.echo("Nothing was found that is wrong.")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
