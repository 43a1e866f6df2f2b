"""The command ``medclipseg``: a thin face of the functions that ``MedCLIPSegLogic`` names."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.version import __version__

from .clip_tune_command import clip_tune_command
from .data_command import data_app
from .evaluate_command import evaluate_command
from .know_command import know_command
from .models_command import models_app
from .paper_tables_command import paper_tables_command
from .probe_command import probe_command
from .prompt_command import prompt_command
from .segment_commands import demo_command, segment_command, zeroshot_command
from .speed_command import speed_command
from .train_command import train_command
from .weak_command import weak_command

USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""What is wrong with options, of click or, in later versions of typer, of its own copy of click."""
LONGEST_USAGE = 400
PROGRAM = "medclipseg"
app = typer.Typer(
    name=PROGRAM,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="Segment medical images by typing what to look for. Every result comes with a probability and an "
    "uncertainty map. Not for clinical use.",
)
app.command("segment")(segment_command)
app.command("zeroshot")(zeroshot_command)
app.command("demo")(demo_command)
app.command("prompt")(prompt_command)
app.command("weak")(weak_command)
app.command("train")(train_command)
app.command("know")(know_command)
app.command("clip-tune")(clip_tune_command)
app.command("evaluate")(evaluate_command)
app.command("probe")(probe_command)
app.command("paper-tables")(paper_tables_command)
app.command("speed")(speed_command)
app.add_typer(data_app, name="data")
app.add_typer(models_app, name="models")
# The former names, for one release.
app.command("benchmark", hidden=True, deprecated=True)(paper_tables_command)
app.command("bench", hidden=True, deprecated=True)(speed_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medclipseg {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    trace: Annotated[bool, typer.Option("--trace", help="Show where an error comes from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """``--trace`` is looked for where errors are told: some come before options are read."""


def run() -> int | None:
    """Run the command that was asked for.

    Returns:
        The exit code; None for 0.

    Raises:
        MedCLIPSegError: it does not exist, or has no such option or argument, or what the command itself raises.
    """
    try:
        return app(prog_name=PROGRAM, standalone_mode=False)
    except USAGE_ERROR as error:
        message, context = error.format_message().rstrip("."), error.ctx
        if not message:  # nothing was asked for, and the help is there already
            return 2
        command = context.command_path if context else PROGRAM
        raise MedCLIPSegError(f"{message[:LONGEST_USAGE]}; {command} --help tells what can be given.") from None
    except typer.Abort:
        print(f"{PROGRAM}: stopped, and nothing was changed.", file=sys.stderr)
        return 1
