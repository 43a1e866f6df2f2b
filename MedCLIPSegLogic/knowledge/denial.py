"""Prompts that say that something is not there."""

from __future__ import annotations

import re
from functools import cache

from .grammar import grammar

_STATES = r"(?:there|here|present|visible|seen|found|detected|identified|evident|visuali[sz]ed|observed|shown)"
_AFTER = re.compile(
    r"(?:[\s-]free\b(?!\s+(?:of|from))"
    r"|\s*[:,?(–-]?\s*(?:none|no|nil|negative|absent|missing)\s*[.!)]*$"
    rf"|(?:\s+\w+){{0,6}}?\s+(?:\w*n['’]t|not)\s+(?:been\s+|be\s+)?{_STATES}\b"
    r"|(?:\s+\w+){0,6}?\s+(?:can\s?not|can['’]t|could\s+not|couldn['’]t)\s+be\s+(?!excluded|ruled)\w+"
    r"|(?:\s+\w+){0,4}?\s+(?:is|are|was|were|appears?|seems?)\s+(?:\w+\s+)?(?:absent|missing|nowhere|gone)\b)"
)
"""What denies the thing before it."""
_LISTED = re.compile(r",(?=\s*(?:\w+\s+){0,3}\w+\s*(?:,|\s(?:or|nor)\b))")
"""Commas between things that are denied together: "no mass, cyst or nodule"."""


@cache
def _before() -> re.Pattern[str]:
    words = sorted(grammar().denial.before, key=len, reverse=True)
    plain = "|".join(re.escape(word) for word in words if word != "n't")
    excused = "|".join(grammar().denial.excused)
    return re.compile(rf"(?:\b(?:{plain})|n['’]t)\b(?!\s*,)(?!\s+(?:{excused})\b)")


@cache
def _clause_end() -> re.Pattern[str]:
    breaks = "|".join(grammar().denial.breaks)
    counts = "|".join(("an?", *grammar().count))
    return re.compile(rf"[,.;:!?]|\b(?:{breaks})\b|\band\s+(?:{counts})\b")


def denied_spans(text: str) -> list[tuple[int, int]]:
    """Where a text denies what it names: start and exclusive end of what follows a word such as "no".

    Args:
        text: lower case.
    """
    joined = _LISTED.sub(" ", text)  # as long as the text
    spans: list[tuple[int, int]] = []
    for match in _before().finditer(joined):
        if spans and match.end() < spans[-1][1]:
            continue  # within what is denied already
        end = _clause_end().search(joined, match.end())
        spans.append((match.end(), end.start() if end else len(text)))
    return spans


def is_denied_after(text: str, end: int) -> bool:
    """Whether what follows a thing in a text denies it: "tumor: none", "the tumor is not there".

    Args:
        text: lower case.
        end: of the thing.
    """
    return _AFTER.match(text, end) is not None


def is_normal(words: list[str]) -> bool:
    """Whether a text without any thing says that all is well."""
    return not set(words).isdisjoint(grammar().denial.normal)
