"""``medclipseg know``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import MedCLIPSegLogic
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.json_reading import read_json

from .options import AsJson, Threads, plain_option
from .printing import print_json
from .progress import progress_bar

Kinds = Annotated[
    list[str] | None,
    plain_option(
        "--kind",
        metavar="SET=NAME",
        help="Kind of image of a data set, such as Kvasir=colonoscopy; may be repeated, and sets may share a kind. "
        "Otherwise it is the kind that the prompts name, or the name of the set.",
    ),
]


def know_command(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Name of a model, or a model folder.", show_default=False)
    ],
    data: Annotated[
        list[Path], plain_option(help="Data set folder the model was trained on; may be given several times.")
    ],
    kind: Kinds = None,
    others: Annotated[
        list[Path] | None,
        plain_option(
            help="Data set, or folder of images, of a kind it was not trained on, so that it can tell them apart; may "
            "be repeated."
        ),
    ] = None,
    out: Annotated[Path | None, plain_option(help="Folder for knowledge.json, instead of the model's own.")] = None,
    thumbnail: Annotated[
        list[str] | None,
        plain_option(
            metavar="NAME=FILE",
            help="Picture of a kind of image, for lists; it is stored with the model, so give one that may be passed "
            "on.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="First rows of each sheet only.", show_default=False)] = None,
    threads: Threads = "auto",
    as_json: AsJson = False,
) -> None:
    """Record what a trained or imported model knows: kinds of image, things, words, and what it answers to them.

    Training does the same at its end. On the images of the Val folders each thing is asked for by its name, its plural
    and its synonyms; what is not found by a name is noted as well, so that nobody takes an empty mask for an answer.
    """
    kinds, pictures = named_values(kind, "SET=NAME"), named_values(thumbnail, "NAME=FILE")
    with progress_bar("Learning") as show:
        file = MedCLIPSegLogic.know(
            model,
            data,
            kinds,
            out,
            others=others or (),
            thumbnails=pictures,
            limit=limit,
            progress=show,
            threads=threads,
        )
    if as_json:
        print_json({"file": file, **read_json(file)})
        return
    shown = "; medclipseg models info shows it" if out is None else ""
    typer.echo(f"What '{model}' knows is in {file}{shown}.")


def named_values(pairs: list[str] | None, form: str) -> dict[str, str]:
    """Options of the form NAME=VALUE.

    Raises:
        MedCLIPSegError: one has another form.
    """
    values = {}
    for pair in pairs or ():
        name, sign, value = pair.partition("=")
        if not (name.strip() and sign and value.strip()):
            raise MedCLIPSegError(f"'{quoted(pair)}' is not of the form {form}.")
        values[name.strip()] = value.strip()
    return values
