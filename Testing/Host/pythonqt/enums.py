"""Enumerators as PythonQt shows them: plain numbers in the namespace of their class."""

from __future__ import annotations

import enum
import inspect
from functools import cache
from typing import Any


class Enumerator(int):
    """A number that remembers which PySide enumerator it is."""

    member: enum.Enum

    def __new__(cls, member: enum.Enum) -> Enumerator:
        kind = type(member)
        if kind not in _kinds:
            _kinds[kind] = type(kind.__name__, (Enumerator,), {})
        number = int.__new__(_kinds[kind], int(member.value))
        number.member = member
        return number

    def __or__(self, other: int) -> Enumerator:
        if not isinstance(other, Enumerator):
            return NotImplemented
        joint: Any = self.member  # a flag; other enums refuse
        return Enumerator(joint | other.member)

    def __repr__(self) -> str:
        return str(int(self))

    __str__ = __repr__


_kinds: dict[type, type[Enumerator]] = {}


def isEnum(value: Any) -> bool:
    """True for a class of enumerators."""
    return inspect.isclass(value) and issubclass(value, enum.Enum)


def findEnumerator(cls: type, name: str) -> Enumerator | None:
    """An enumerator of any enum of a class or its bases, without the enum's own name."""
    for base in cls.__mro__:
        for kind in _enumsOf(base):
            if name in kind.__members__:
                return Enumerator(kind[name])
    return None


@cache
def _enumsOf(cls: type) -> list[type[enum.Enum]]:
    return [value for value in vars(cls).values() if isEnum(value)]
