"""Medical terms, and which of them mean the same."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache, cached_property

from ..checked import checked, from_json
from .grammar import WORDS_FOLDER


@checked
class TermGroup:
    """Terms of one meaning.

    Args:
        names: mean the same.
        narrower: are covered by the names, which may be asked instead; not the other way round.
        near: mean something else that may have been meant: to be suggested, never to be asked instead.
        part: they are parts of the body, no findings.
        fits: words in the names of kinds of image that always show this part.
    """

    names: tuple[str, ...]
    narrower: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    part: bool = False
    fits: tuple[str, ...] = ()


@checked
class Terms:
    """All terms, in lower case and in the singular.

    Args:
        license: of the list.
        about: how to read it.
        broad: terms so broad that they may mean any finding.
        findings, parts: terms without synonyms.
        groups: terms with synonyms.
    """

    license: str
    about: tuple[str, ...]
    broad: frozenset[str]
    findings: tuple[str, ...]
    parts: tuple[str, ...]
    groups: tuple[TermGroup, ...]

    @cached_property
    def is_part(self) -> dict[str, bool]:
        """Whether a term is a part of the body, for every term there is."""
        grouped = {term: group.part for group in self.groups for term in (*group.near, *group.narrower, *group.names)}
        return grouped | dict.fromkeys(self.findings, False) | dict.fromkeys(self.parts, True)

    @cached_property
    def _groups_of(self) -> dict[str, list[TermGroup]]:
        found: dict[str, list[TermGroup]] = defaultdict(list)
        for group in self.groups:
            for term in {*group.names, *group.narrower, *group.near}:
                found[term].append(group)
        return found

    def fits(self, term: str) -> frozenset[str]:
        """Words in the names of kinds of image that always show this part of the body."""
        groups = (group for group in self._groups_of.get(term, ()) if term not in group.near)
        return frozenset(word for group in groups for word in group.fits)

    def same(self, term: str) -> list[str]:
        """Terms that mean the same or cover it, for a model to be asked in."""
        groups = [group for group in self._groups_of.get(term, ()) if term not in group.near]
        groups.sort(key=lambda group: term not in group.names)
        return [name for group in groups for name in group.names if name != term]

    def near(self, term: str) -> list[str]:
        """Terms that may have been meant, without those that mean the same."""
        groups = self._groups_of.get(term, ())
        found = [name for group in groups for name in (*group.names, *group.narrower, *group.near)]
        return [name for name in dict.fromkeys(found) if name not in {term, *self.same(term)}]


@cache
def terms() -> Terms:
    """The terms that come with the package."""
    return from_json(Terms, json.loads((WORDS_FOLDER / "terms.json").read_text(encoding="utf-8")))
