"""Errors whose message is one sentence for the person at the screen."""

from __future__ import annotations

from pathlib import Path


class MedCLIPSegError(Exception):
    """Anything the user can mend: the message names the file or field and the way out.

    The command line prints it without a trace and exits with code 2; the panel shows it as it is.
    """


class DeviceError(MedCLIPSegError):
    """The device that was asked for is not there; another one can be used instead."""


class UnwritableFileError(MedCLIPSegError):
    """A file cannot be written; what was there is left as it was.

    Args:
        path: of the file.
        reason: in words of the system.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be written ({reason}) and is left as it was; free some space or change the permissions."
        )
        self.reason = reason
