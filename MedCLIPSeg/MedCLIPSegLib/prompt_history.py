"""Prompts typed earlier."""

from typing import Any

SETTINGS_KEY = "MedCLIPSeg/PromptHistory"
MAX_ENTRIES = 50


class PromptHistory:
    """The newest prompts first, kept in the application's settings.

    Args:
        settings: of the application.
    """

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def entries(self) -> list[str]:
        """Earlier prompts, the newest first."""
        value = self._settings.value(SETTINGS_KEY)
        # A list of one entry comes back as text from a file, an empty one as None.
        if isinstance(value, str):
            value = [value]
        return [str(entry) for entry in value or () if str(entry).strip()]

    def add(self, prompt: str) -> None:
        """Remember a prompt as the newest one."""
        prompt = prompt.strip()
        if prompt:
            others = [entry for entry in self.entries() if entry != prompt]
            self._settings.setValue(SETTINGS_KEY, [prompt, *others][:MAX_ENTRIES])
