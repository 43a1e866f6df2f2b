"""Command-line options from the fields of a checked dataclass."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from MedCLIPSegLogic.checked import description_of, range_of

Command = Callable[..., None]
PLAIN = (bool, int, float, str, Path)


def options_of(
    settings: type, names: Mapping[str, str] | None = None, leave_out: Collection[str] = (), defaults: bool = True
) -> Callable[[Command], Command]:
    """Decorate a typer command: an option for each field takes the place of its last parameter, ``**choices``.

    Help and range are those noted with the field. What a file of settings can say in one word, the command line can
    say too; tables and lists of lists are for files. ``choices`` holds what was given alone.

    Args:
        settings: a checked dataclass.
        names: of options that are not named like their field, such as "--freeze-towers/--whole-network".
        leave_out: fields that get no option.
        defaults: show the fields' defaults; False where they depend on something else.
    """

    def decorate(command: Command) -> Command:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind != p.VAR_KEYWORD]
        hints = {name: _plain(hint) for name, hint in typing.get_type_hints(settings).items() if name not in leave_out}
        options = [
            _option(settings, name, hint, (names or {}).get(name), defaults) for name, hint in hints.items() if hint
        ]

        @functools.wraps(command)
        def call(**values: Any) -> None:
            left = {option.name for option in options if values[option.name] in (None, [])}
            command(**{name: value for name, value in values.items() if name not in left})

        call.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *options)}
        return call

    return decorate


def _option(settings: type, name: str, hint: Any, flag: str | None, shows_default: bool) -> inspect.Parameter:
    default = getattr(settings, name, None) if shows_default else None
    if isinstance(default, tuple):
        default = ", ".join(map(str, default))
    shown = "" if default is None or default is False or default == "" else f"default: {default}"
    note = "; ".join(filter(None, (range_of(settings, name), shown)))
    words = escape(description_of(settings, name)) + (rf" [dim]\[{note}][/dim]" if note else "")
    option = typer.Option(flag or "--" + name.replace("_", "-"), help=words, show_default=False)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[hint, option])


def _plain(hint: Any) -> Any:
    """The hint as typer knows it, or None; nothing where a value is more than a word or a few."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if {int, float} & set(parts) and any(typing.get_origin(part) is Literal for part in parts):
            return str | None  # a word or a number
        return next((plain for plain in map(_plain, parts) if plain), None)
    if origin is tuple:
        kinds = [str if typing.get_origin(part) is Literal else part for part in parts if part is not Ellipsis]
        if any(kind not in PLAIN for kind in kinds):
            return None
        return (list[kinds[0]] if parts[-1] is Ellipsis else hint) | None  # type: ignore[valid-type]
    return hint | None if hint in PLAIN or origin is Literal else None
