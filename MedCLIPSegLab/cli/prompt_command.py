"""``medclipseg prompt``."""

from __future__ import annotations

from typing import Annotated

import typer

import MedCLIPSegLogic

from .options import AsJson, plain_option
from .printing import print_json


def prompt_command(
    text: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="A prompt to be checked and completed.", show_default=False)
    ] = "",
    model: Annotated[
        str, typer.Option(help="Bundled or installed model (see models list), or a model folder.")
    ] = "mini",
    kind: Annotated[str | None, plain_option(help='Kind of image, such as "breast ultrasound".')] = None,
    thing: Annotated[str, plain_option(help="What to look for; the best known thing unless given.")] = "",
    count: Annotated[str, plain_option(help="How many, such as one.")] = "",
    size: Annotated[str, plain_option(help="Such as small.")] = "",
    color: Annotated[str, plain_option(help="Such as pink.")] = "",
    shape: Annotated[str, plain_option(help="Such as oval.")] = "",
    place: Annotated[str, plain_option(help='Such as "top left", as the slice is drawn.')] = "",
    at: Annotated[
        tuple[float, float] | None,
        plain_option(metavar="X Y", help="The place as a point: shares of width and height, from the top left corner."),
    ] = None,
    box: Annotated[
        tuple[float, float, float, float] | None,
        plain_option(metavar="LEFT TOP RIGHT BOTTOM", help="The place as a box, in such shares."),
    ] = None,
    choices: Annotated[bool, typer.Option("--list", help="List what can be chosen for each part.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a prompt in the words a model was trained on, or tell what it makes of one.

    Example: medclipseg prompt --kind "breast ultrasound" --thing tumor --size small --at 0.2 0.1
    """
    if choices:
        parts_of = MedCLIPSegLogic.prompt_choices(model, kind)
        if as_json:
            print_json(parts_of)
            return
        for name, parts in parts_of.items():
            typer.echo(f"{name}:")
            for part, values in parts.items():
                typer.echo(f"  {part}: {', '.join(values) or 'nothing'}")
    elif text:
        found = MedCLIPSegLogic.check_prompt(text, model, kind)
        if as_json:
            print_json(found)
            return
        typer.echo(found["remark"] or "Understood.")
        for title, name in (("Instead", "suggestions"), ("Goes on", "completions")):
            for each in found[name]:
                typer.echo(f"{title}: {each}")
    else:
        made = MedCLIPSegLogic.prompt(thing, model, kind, count, size, color, shape, place, at, box)
        if as_json:
            print_json({"prompt": made})
        else:
            typer.echo(made)
