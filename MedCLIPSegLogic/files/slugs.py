"""Texts as file names that are not taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

MAX_LENGTH = 60


def slugs(prompts: Sequence[str]) -> list[str]:
    """One distinct file name stem a prompt: plain letters, digits and hyphens, at most 60 of them and a number."""
    names: list[str] = []
    for number, prompt in enumerate(prompts, start=1):
        plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_LENGTH].rstrip("-") or f"prompt-{number}"
        names.append(free_name(stem, "", names.__contains__))
    return names


def free_name(stem: str, ending: str, is_taken: Callable[[str], bool]) -> str:
    """The first of ``stem.ending``, ``stem-2.ending``, ``stem-3.ending``… that is not taken."""
    name, number = f"{stem}{ending}", 2
    while is_taken(name):
        name, number = f"{stem}-{number}{ending}", number + 1
    return name
