"""Prompts typed earlier."""

from collections.abc import Iterable
from typing import Any

from MedCLIPSegLib.application import settingsList

SETTINGS_KEY = "MedCLIPSeg/PromptHistory"
MAX_ENTRIES = 50


class PromptHistory:
    """Earlier prompts, the newest first and each once, kept in the application's settings.

    Args:
        settings: of the application; has ``value(key)`` and ``setValue(key, value)``.
    """

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def entries(self) -> list[str]:
        """Earlier prompts, the newest first, at most `MAX_ENTRIES`."""
        return _distinct(settingsList(self._settings.value(SETTINGS_KEY)))

    def add(self, prompts: Iterable[str]) -> None:
        """Remember prompts as the newest ones, the first of them first."""
        entries = _distinct([*prompts, *self.entries()])
        if entries:
            self._settings.setValue(SETTINGS_KEY, entries)


def _distinct(prompts: Iterable[str]) -> list[str]:
    """Prompts without repetitions and blanks at their ends."""
    return list(dict.fromkeys(text for prompt in prompts if (text := prompt.strip())))[:MAX_ENTRIES]
