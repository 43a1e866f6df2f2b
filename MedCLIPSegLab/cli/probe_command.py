"""``medclipseg probe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import MedCLIPSegLogic

from ..evaluation.settings import EvaluationSettings
from .options import Overwrite
from .options_of import options_of
from .progress import progress_bar

WORDS = {
    "absent": "empty masks for things that are not there",
    "mosaic": "the right one of two pictures, by place",
    "size": "the right one of two pictures, by size",
    "several": "the right one of two findings, by place or size",
    "part": "the right part of an organ",
}


@options_of(EvaluationSettings, leave_out={"tolerance"})
def probe_command(
    model: Annotated[str, typer.Option(help="Name of a bundled or installed model, or a model folder.")],
    data: Annotated[list[Path], typer.Option(help="Data set folder; may be given several times.")],
    out: Annotated[Path, typer.Option(help="Folder for probes.csv and probes.json.", show_default=False)],
    overwrite: Overwrite = False,
    **choices: Any,
) -> None:
    """Ask whether the text chooses: things that are not there, one of two, other words for the same thing.

    The wordings are held out from training. The change of the mean Dice by synonyms and by another order of the words
    should be near 0.
    """
    with progress_bar("Asking") as show:
        result = MedCLIPSegLogic.probe(
            model,
            data,
            out,
            overwrite=overwrite,
            progress=lambda share, a: show(share, f"{a.set}: {a.prompt}"),
            **choices,
        )
    for name, probes in result["sets"].items():
        for kind, entry in probes.items():
            if "right" in entry:
                typer.echo(f"{name}: {entry['right']:.1%} {WORDS[kind]} ({entry['count']})")
            else:
                change = f", change {entry['change']:+.3f}" if "change" in entry else ""
                typer.echo(f"{name}: mean Dice {entry['dice']:.3f} with prompts {kind} ({entry['count']}){change}")
    typer.echo(f"Results in {out}.")
