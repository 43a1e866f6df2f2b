"""``medclipseg probe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import MedCLIPSegLogic

from ..evaluation.settings import ProbeSettings
from .options import AsJson, Overwrite, plain_option
from .options_of import options_of
from .printing import print_json
from .progress import progress_bar

TEXT = {
    "absent": "empty masks for things that are not there",
    "denied": "empty masks for denials of things that are not there",
    "mosaic": "the right one of two pictures, by place",
    "larger": "the larger one of two pictures' findings",
    "smaller": "the smaller one of two pictures' findings",
    "several": "the right one of two findings, by place or size",
    "part": "the right one of two things of an image, by name",
}
VERDICTS = {
    "familiar": "images of these sets are not called foreign",
    "foreign": "images of other kinds are called foreign",
    "elsewhere": "images of these kinds from elsewhere are not called foreign",
    "unknown": "unknown or rare words are not understood, or outline the thing",
    "variants": "plural, capitals and a typing error outline the same, or lead to a suggestion",
    "absent": "known things that are not there are said not to be there",
}


@options_of(ProbeSettings)
def probe_command(
    model: Annotated[str, typer.Option(help="Name of a bundled or installed model, or a model folder.")],
    data: Annotated[list[Path], typer.Option(help="Data set folder; may be given several times.")],
    out: Annotated[Path, plain_option(help="Folder for probes.csv and probes.json.")],
    foreign: Annotated[
        list[Path] | None,
        plain_option(help="Data set, or folder of images, of a kind the model was not trained on; may be repeated."),
    ] = None,
    elsewhere: Annotated[
        list[Path] | None,
        plain_option(
            help="Data set, or folder of images, of a kind it was trained on, from another place; may be repeated."
        ),
    ] = None,
    section: Annotated[
        list[str] | None,
        plain_option(
            help="Only this: text (what the network does), images (what is called foreign) or verdicts (on words, and "
            "on answers); may be repeated."
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    **choices: Any,
) -> None:
    """Ask whether the text chooses, and whether the model knows what it does not know.

    The text: things that are not there, one of two, other words for the same thing. The wordings are held out from
    training; the change of the mean Dice by synonyms and by another order of the words should be near 0. Verdicts:
    foreign images, unknown words, other forms of known ones, things that are not there, and bad answers.
    """
    with progress_bar("Asking") as show:
        result = MedCLIPSegLogic.probe(
            model,
            data,
            out,
            foreign=foreign or (),
            elsewhere=elsewhere or (),
            **({"sections": section} if section else {}),
            overwrite=overwrite,
            progress=lambda share, a: show(share, f"{a.set}: {a.prompt}"),
            **choices,
        )
    if as_json:
        print_json(result)
        return
    for name, probes in result["sets"].items():
        for kind, entry in probes.items():
            if "right" in entry:
                typer.echo(f"{name}: {entry['right']:.1%} {TEXT[kind]} ({entry['count']})")
            else:
                change = f", change {entry['change']:+.3f}" if "change" in entry else ""
                typer.echo(f"{name}: mean Dice {entry['dice']:.3f} with prompts {kind} ({entry['count']}){change}")
    for name, entry in result["verdicts"].items():
        typer.echo(_doubtful(entry) if name == "doubtful" else _verdicts(VERDICTS[name], entry))
    typer.echo(f"Results in {out}.")


def _verdicts(words: str, entry: dict[str, Any]) -> str:
    sets = ", ".join(f"{name} {given['right']:.1%} of {given['count']}" for name, given in entry["sets"].items())
    auroc = f", AUROC {entry['auroc']:.3f}" if entry.get("auroc") is not None else ""
    absent = f", {entry['called_absent']:.1%} are said not to be there" if "called_absent" in entry else ""
    return f"{entry['right']:.1%} {words} ({entry['count']}{auroc}{absent}): {sets}"


def _doubtful(entry: dict[str, Any]) -> str:
    def share(name: str) -> str:
        return "none" if entry[f"{name}_flagged"] is None else f"{entry[f'{name}_flagged']:.1%}"

    told = "" if entry["auroc"] is None else f" (AUROC of the expected Dice {entry['auroc']:.3f})"
    return (
        f"{share('bad')} of {entry['bad']} answers with a Dice below 0.5 are called doubtful, and {share('good')} of "
        f"{entry['good']} others{told}; {entry['held_back']} prompts of the sheets are not understood"
    )
