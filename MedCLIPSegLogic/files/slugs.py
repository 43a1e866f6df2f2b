"""Prompts as file names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_LENGTH = 60


def slugs(prompts: Sequence[str]) -> list[str]:
    """One distinct file name stem a prompt: plain letters, digits and hyphens, at most 60 of them and a number."""
    names: list[str] = []
    for number, prompt in enumerate(prompts, start=1):
        plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_LENGTH].rstrip("-") or f"prompt-{number}"
        name, copy = stem, 2
        while name in names:
            name, copy = f"{stem}-{copy}", copy + 1
        names.append(name)
    return names
