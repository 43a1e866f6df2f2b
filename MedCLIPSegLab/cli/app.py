"""The command ``medclipseg``: a thin face of the functions in ``workflows``."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.version import __version__

from . import bench, benchmark, clip_tune, data, demo, evaluate, models, probe, segment, train, weak, zeroshot

app = typer.Typer(
    name="medclipseg",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="Segment medical images by typing what to look for. Every result comes with a probability and an "
    "uncertainty map. Not for clinical use.",
)
_trace = False
app.command("segment")(segment.segment_command)
app.command("zeroshot")(zeroshot.zeroshot_command)
app.command("demo")(demo.demo_command)
app.command("weak")(weak.weak_command)
app.command("train")(train.train_command)
app.command("clip-tune")(clip_tune.clip_tune_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("probe")(probe.probe_command)
app.command("benchmark")(benchmark.benchmark_command)
app.command("bench")(bench.bench_command)
app.add_typer(data.data_app, name="data")
app.add_typer(models.app, name="models")


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
    # Ended from outside, the program still removes what is half-written.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except MedCLIPSegError as error:
        _stop(str(error), 2)
    except OSError as error:
        _stop(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.", 2)
    except MemoryError:
        _stop("There is too little memory; close other programs or use a smaller image.", 2)
    except Exception as error:
        _stop(f"unexpected {type(error).__name__}: {error}; put --trace before the command to see where.", 1)


def _stop(sentence: str, code: int) -> NoReturn:
    if _trace:
        traceback.print_exc()
    print(f"medclipseg: {sentence}", file=sys.stderr)
    sys.exit(code)
