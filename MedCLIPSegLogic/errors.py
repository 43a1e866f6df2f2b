"""Errors whose message is one sentence for the person at the screen."""

from collections.abc import Iterable

LONGEST_QUOTE = 80
MOST_LISTED = 12


def quoted(value: object) -> str:
    """A value from a file or a person as it stands in a sentence: on one line, at most 80 characters, printable."""
    text = on_one_line(_written(value)[: 4 * LONGEST_QUOTE])
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def listed(values: Iterable[object]) -> str:
    """Values from a file or a person as a sentence lists them, the first twelve and how many more there are."""
    texts = [quoted(value) for value in values]
    more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
    return ", ".join(texts[:MOST_LISTED]) + more


def on_one_line(text: str) -> str:
    """A text without line ends, control characters and whatever else nobody can read."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _written(value: object) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists in lists
        return f"a {type(value).__name__} too large to write"


class MedCLIPSegError(Exception):
    """Anything the user can mend: the message names the file or field and the way out.

    The command line prints it without a trace and exits with code 2; the panel shows it as it is.
    """


class DeviceError(MedCLIPSegError):
    """The device that was asked for is not there; another one can be used instead."""


class MissingModelError(MedCLIPSegError):
    """A model is not on this computer.

    Args:
        sentence: for people.
        name: of the model; None when any SAM would do and there is none.
    """

    def __init__(self, sentence: str, name: str | None) -> None:
        super().__init__(sentence)
        self.name = name
