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

from MedCLIPSegLogic.checked import description_of, range_of

Command = Callable[..., None]
PLAIN = (bool, int, float, str, Path)


def options_of(
    settings: type, names: Mapping[str, str] | None = None, leave_out: Collection[str] = (), shown: str | None = None
) -> Callable[[Command], Command]:
    """Decorate a typer command: an option for each field takes the place of its last parameter, ``**choices``.

    Help and range are those noted with the field. What a file of settings can say in one word, the command line can
    say too; tables and lists of lists are for files. ``choices`` holds nothing but what was given
    and is not the default.

    Args:
        settings: a checked dataclass.
        names: of options that are not named like their field, such as "--freeze-towers/--whole-network".
        leave_out: fields that get no option.
        shown: in place of the fields' defaults, where they depend on something else.
    """

    def decorate(command: Command) -> Command:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind != p.VAR_KEYWORD]
        hints = {name: _plain(hint) for name, hint in typing.get_type_hints(settings).items() if name not in leave_out}
        options = [
            _option(settings, name, hint, (names or {}).get(name), shown) for name, hint in hints.items() if hint
        ]

        @functools.wraps(command)
        def call(**values: Any) -> None:
            left = {option.name for option in options if values[option.name] in (option.default, None, [])}
            command(**{name: value for name, value in values.items() if name not in left})

        call.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *options)}
        return call

    return decorate


def _option(settings: type, name: str, hint: Any, flag: str | None, shown: str | None) -> inspect.Parameter:
    default = getattr(settings, name, None)
    limits = range_of(settings, name)
    words = description_of(settings, name) + (rf" [dim]\[{limits}][/dim]" if limits else "")
    declared = flag or "--" + name.replace("_", "-")
    if isinstance(default, tuple):
        default = list(default) or None
    if default is None or shown:
        default, hint = None, hint | None
    option = typer.Option(declared, help=words, show_default=shown or default is not None)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[hint, option])


def _plain(hint: Any) -> Any:
    """The hint as typer knows it; None where a value is more than a word or a few."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return next((plain for plain in map(_plain, parts) if plain), None)
    if origin is tuple:
        kinds = [str if typing.get_origin(part) is Literal else part for part in parts if part is not Ellipsis]
        if any(kind not in PLAIN for kind in kinds):
            return None
        return list[kinds[0]] if parts[-1] is Ellipsis else hint  # type: ignore[valid-type]
    return hint if hint in PLAIN or origin is Literal else None
