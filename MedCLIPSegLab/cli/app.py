"""The command ``medclipseg``: a thin face of the functions that ``MedCLIPSegLogic`` names."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from MedCLIPSegLogic.errors import MedCLIPSegError, on_one_line, quoted
from MedCLIPSegLogic.version import __version__

from .clip_tune_command import clip_tune_command
from .data_command import data_app
from .evaluate_commands import evaluate_command, probe_command
from .models_command import models_app
from .paper_tables_command import paper_tables_command
from .segment_commands import demo_command, segment_command, zeroshot_command
from .speed_command import speed_command
from .train_command import train_command
from .weak_command import weak_command

LAB_PACKAGES = {"jinja2", "monai", "openpyxl", "scipy", "surface_distance", "tensorboard"}
"""Packages that ``pip install "medclipseg[lab]"`` adds."""
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
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
_trace = False
app.command("segment")(segment_command)
app.command("zeroshot")(zeroshot_command)
app.command("demo")(demo_command)
app.command("weak")(weak_command)
app.command("train")(train_command)
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
    global _trace
    _trace = trace


def main() -> None:
    """Run the command line; exit code 0 on success, 1 on a failed check or a defect, 2 on bad input."""
    try:
        with _ended_cleanly(), _libraries_silent():
            sys.exit(app(prog_name=PROGRAM, standalone_mode=False))
    except MedCLIPSegError as error:
        _stop(str(error), 2)
    except USAGE_ERROR as error:
        _refuse_usage(error)
    except typer.Abort:
        _stop("stopped, and nothing was changed.", 1)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in LAB_PACKAGES:
            _stop(f'This needs the package {package}; install it with pip install "medclipseg[lab]".', 2)
        _stop(f"The package {package} is missing; install MedCLIPSeg anew.", 1)
    except OSError as error:
        _stop(f"{_shown(error.filename)} cannot be read or written: {error.strerror or error}.", 2)
    except MemoryError:
        _stop("There is too little memory; close other programs or use a smaller image.", 2)
    except Exception as error:
        _stop(f"unexpected {type(error).__name__}: {error}; put --trace before the command to see where.", 1)


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Ended from outside (SIGTERM), the program removes what is half-written, as at any exit."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _libraries_silent() -> Iterator[None]:
    """Keep to the program what libraries say to programmers; ``python -W`` lets warnings through."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _shown(name: Any) -> str:
    """A path whole, unless it is longer than any that a system takes."""
    text = str(name or "A file")
    return text if len(text) < LONGEST_USAGE else quoted(text)


def _refuse_usage(error: Any) -> NoReturn:
    """Say what is wrong with an option."""
    message, command = error.format_message().rstrip("."), error.ctx.command_path if error.ctx else PROGRAM
    if not message:  # nothing was asked for, and the help is there already
        sys.exit(2)
    _stop(f"{message[:LONGEST_USAGE]}; {command} --help tells what can be given.", 2)


def _stop(sentence: str, code: int) -> NoReturn:
    if _trace:
        traceback.print_exc()
    print(f"{PROGRAM}: {on_one_line(sentence)}", file=sys.stderr)
    sys.exit(code)
