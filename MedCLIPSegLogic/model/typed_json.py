"""Dataclasses from JSON, with every field checked against its type hint."""

from __future__ import annotations

import dataclasses
import math
import typing
from typing import Any, Literal

from ..errors import MedCLIPSegError


def dataclass_from_json(cls: type, data: Any, path: str = "") -> Any:
    """Build a dataclass from parsed JSON.

    Args:
        cls: a dataclass of numbers, text, flags, choices, tuples, tables, other such dataclasses, or any of these and
            None.
        data: what ``json.loads`` gave.
        path: where ``data`` stands in the file, ending in a period; for messages.

    Raises:
        MedCLIPSegError: a field is unknown, missing or of the wrong kind; the message names it.
    """
    if not isinstance(data, dict):
        raise MedCLIPSegError(f"the field '{path.rstrip('.') or 'root'}' must hold an object.")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise MedCLIPSegError(f"the field '{path}{unknown[0]}' is unknown.")
    values = {}
    for name, entry in fields.items():
        if name in data:
            values[name] = _convert(hints[name], data[name], path + name)
        elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise MedCLIPSegError(f"the field '{path}{name}' is missing.")
    return cls(**values)


def _convert(kind: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return dataclass_from_json(typing.cast(type, kind), value, path + ".")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if type(None) in arguments:
        (other,) = (argument for argument in arguments if argument is not type(None))
        return None if value is None else _convert(other, value, path)
    if origin is tuple:
        kinds = arguments[:1] * len(value) if isinstance(value, list) and arguments[-1] is Ellipsis else arguments
        if not isinstance(value, list) or len(kinds) != len(value):
            raise MedCLIPSegError(f"the field '{path}' cannot be {value!r}.")
        return tuple(_convert(kind, item, path) for kind, item in zip(kinds, value, strict=True))
    if origin is dict and isinstance(value, dict):
        return {name: _convert(arguments[1], item, f"{path}.{name}") for name, item in value.items()}
    if kind is Any:
        return value
    if origin is Literal:
        fits = value in arguments
    else:
        fits = _is_number(kind, value) if kind in (int, float) else isinstance(value, origin or kind)
    if not fits:
        raise MedCLIPSegError(f"the field '{path}' cannot be {value!r}.")
    return value


def _is_number(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else int):
        return False
    return math.isfinite(value)
