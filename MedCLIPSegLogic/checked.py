"""Settings whose values are checked by their type hints; a mistake is one sentence."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, TypeVar, cast, dataclass_transform, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo

from .errors import MedCLIPSegError, quoted

Settings = TypeVar("Settings")
_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
_BOUNDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
_WANTED = {
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "string_too_long": "at most {max_length} letters long",
    "finite_number": "a finite number",
    "is_instance_of": "{class}",
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "str": "text",
    "path": "a path",
    "tuple": "a list",
}
_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_OUT_OF_RANGE = ("greater_than", "less_than", "literal_error", "finite_number")


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def checked(cls: type[Settings]) -> type[Settings]:
    """Decorate a dataclass so that its values are checked, and converted where nothing is lost, when it is made.

    Hints may be ``Annotated`` with ``pydantic.Field``: its ``description`` is the help of the option, ``ge``, ``gt``,
    ``le`` and ``lt`` its range, and ``title`` its name in a sentence where that differs from the field's.

    Raises:
        MedCLIPSegError: (the class, when called) a value is missing, unknown, of the wrong kind or out of range.
    """
    made = pydantic_dataclass(frozen=True, config=_CONFIG)(cls)
    made.__doc__ = cls.__doc__
    check = made.__init__

    @functools.wraps(check)
    def init(self: Any, *values: Any, **named: Any) -> None:
        try:
            check(self, *values, **named)
        except ValidationError as error:
            raise _in_words(made, error) from None

    made.__init__ = init  # type: ignore[method-assign]
    return cast(type[Settings], made)


def from_json(cls: type[Settings], data: object) -> Settings:
    """A checked dataclass from parsed JSON or TOML, nested ones included.

    Raises:
        MedCLIPSegError: a field is missing, unknown, of the wrong kind or out of range; the sentence names it.
    """
    try:
        return TypeAdapter(cls).validate_python(data)
    except ValidationError as error:
        raise _in_words(cls, error) from None


def description_of(cls: type, field: str) -> str:
    """What a field of a checked dataclass means, for people; empty when nobody says."""
    return next((info.description for info in _infos(cls, field) if info.description), "")


def title_of(cls: type, field: str) -> str:
    """What a field of a checked dataclass is called in a sentence."""
    return next((info.title for info in _infos(cls, field) if info.title), field.replace("_", " "))


def range_of(cls: type, field: str) -> str:
    """The range of a field of a checked dataclass, such as "between 1 and 1000"; empty for any."""
    bounds: dict[str, Any] = {}
    for info in _infos(cls, field):
        for bound in info.metadata:
            bounds |= {name: getattr(bound, name) for name in _BOUNDS if getattr(bound, name, None) is not None}
    if set(bounds) in ({"ge", "le"}, {"gt", "lt"}):
        return "between {} and {}".format(*(bounds[name] for name in _BOUNDS if name in bounds))
    return " and ".join(words.format(bounds[name]) for name, words in _BOUNDS.items() if name in bounds)


def _infos(cls: type, field: str) -> Iterator[FieldInfo]:
    """What is noted of a field: with it, and with the parts of its hint."""
    info: FieldInfo = cls.__pydantic_fields__[field]  # type: ignore[attr-defined]
    yield info
    for part in get_args(info.annotation):
        yield from (note for note in getattr(part, "__metadata__", ()) if isinstance(note, FieldInfo))


def _in_words(cls: type, error: ValidationError) -> MedCLIPSegError:
    """The first mistake as a sentence; of a value that may be of several kinds, the one about its range."""
    errors = error.errors(include_url=False)
    first = next((each for each in errors if each["type"].startswith(_OUT_OF_RANGE)), errors[0])
    fields = cls.__pydantic_fields__  # type: ignore[attr-defined]
    kind, context = first["type"], first.get("ctx", {})
    path = [list(fields)[part] if not n and isinstance(part, int) else part for n, part in enumerate(first["loc"])]
    # Between the names of fields stand those of the kinds a value may be of.
    path = [part for part in path if isinstance(part, int) or (str(part).isidentifier() and part not in _KINDS)]
    if kind in _UNKNOWN and path[-1:] != [first["loc"][-1]]:
        path.append(first["loc"][-1])  # of any spelling
    name = quoted(".".join(map(str, path)))
    if kind in _UNKNOWN:
        return MedCLIPSegError(f"The setting '{name}' is unknown.")
    if kind in ("missing", "missing_argument"):
        return MedCLIPSegError(f"The setting '{name}' is missing.")
    if not path or path[0] not in fields:
        return MedCLIPSegError("The settings must be a table of names and values.")
    field = str(path[0])
    within = any(isinstance(part, str) for part in path[1:])  # a table in the table
    called = f"setting '{name}'" if within else title_of(cls, field)
    kinds = (words for start, words in _KINDS.items() if kind.startswith(f"{start}_"))
    wanted = _WANTED[kind].format(**context) if kind in _WANTED else next(kinds, None)
    if kind.startswith(("greater_than", "less_than")):
        wanted = (not within and range_of(cls, field)) or _bound(context)
    if wanted is None:
        return MedCLIPSegError(f"The {called} cannot be '{quoted(first['input'])}'.")
    return MedCLIPSegError(f"The {called} is {quoted(first['input'])}; it must be {wanted}.")


def _bound(context: dict[str, Any]) -> str:
    return next(words.format(context[name]) for name, words in _BOUNDS.items() if name in context)
