"""What may stand beside a type in ``Annotated[...]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Validator:
    """Refuses values of a parameter."""

    def validate(self, value: Any) -> None:
        """Return when the value is allowed.

        Raises:
            ValueError: it isn't.
        """
        raise NotImplementedError


class Minimum(Validator):
    """Nothing below a number."""

    def __init__(self, minimum: float) -> None:
        self.minimum = minimum

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be greater than or equal to {self.minimum}, got {value}")


class Maximum(Validator):
    """Nothing above a number."""

    def __init__(self, maximum: float) -> None:
        self.maximum = maximum

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be less than or equal to {self.maximum}, got {value}")


class WithinRange(Validator):
    """Nothing outside two numbers, which are allowed themselves."""

    def __init__(self, minimum: float, maximum: float) -> None:
        if maximum < minimum:
            raise ValueError(f"Maximum {maximum} is smaller than minimum {minimum}")
        self.minimum = minimum
        self.maximum = maximum

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], got {value}")


class Choice(Validator):
    """Nothing but the items of a list."""

    def __init__(self, choices: list[Any]) -> None:
        if not choices:
            raise ValueError("Choice needs at least one choice")
        self.choices = list(choices)

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value must be one of {self.choices}, got {value!r}")


class Exclude(Validator):
    """None of the items of a list."""

    def __init__(self, excludedValues: list[Any]) -> None:
        self.excludedValues = list(excludedValues)

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"Value must not be one of {self.excludedValues}, got {value!r}")


class Default:
    """Value a parameter begins with; mutable values need a generator, so that no two nodes share one.

    Args:
        value: an immutable value.
        generator: makes a value; the only argument then.
    """

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        if value is not None and generator is not None:
            raise ValueError("Default takes a value or a generator, not both")
        self._value, self._generator = value, generator

    def make(self) -> Any:
        """Return the value."""
        return self._generator() if self._generator is not None else self._value


class Decimals:
    """Digits behind the point that a widget shows."""

    def __init__(self, value: int) -> None:
        self.value = value


class SingleStep:
    """Step of a widget's arrows."""

    def __init__(self, value: float) -> None:
        self.value = value
