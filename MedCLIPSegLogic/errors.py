"""Errors whose message is one sentence for the person at the screen."""

LONGEST_QUOTE = 80


def quoted(value: object) -> str:
    """A value from a file or a person as it stands in a sentence: on one line, at most 80 characters, printable."""
    try:
        plain = str(value)
    except (ValueError, RecursionError):  # a number of too many digits, lists in lists without end
        plain = f"a {type(value).__name__} of absurd size"
    text = "".join(c if c.isprintable() else " " for c in plain[: LONGEST_QUOTE * 4])
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


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
