"""The command ``medclipseg``: a thin face of the functions in ``workflows``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import MedCLIPSegError
from ..version import __version__
from . import evaluate, segment, showcase, train, verify

app = typer.Typer(
    name="medclipseg",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="Segment medical images by typing what to look for. Every result comes with a probability and an "
    "uncertainty map. Not for clinical use.",
)
app.command("segment")(segment.segment_command)
app.command("demo")(showcase.demo_command)
app.command("verify")(verify.verify_command)
app.command("train")(train.train_command)
app.command("evaluate")(evaluate.evaluate_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medclipseg {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; exit code 0 on success, 1 on a failed check, 2 on bad input."""
    try:
        app()
    except MedCLIPSegError as error:
        print(f"medclipseg: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("medclipseg: cancelled; nothing was written.", file=sys.stderr)
        sys.exit(130)
