"""Names of nodes and segments."""

from __future__ import annotations

import unicodedata

_UNWRITABLE = frozenset({"Cc", "Cs"})


def one_line(text: str) -> str:
    """Return the text on one line, without control characters and broken Unicode."""
    words = " ".join(text.split())
    return "".join(character for character in words if unicodedata.category(character) not in _UNWRITABLE)


def node_name(text: str, limit: int = 60) -> str:
    """Return the text as (part of) a node's name: one line, at most ``limit`` characters, no "&".

    Scene bundles name files after nodes, and one with "&" in a name can be saved but never loaded again.
    """
    line = one_line(text).replace("&", "+")
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."
