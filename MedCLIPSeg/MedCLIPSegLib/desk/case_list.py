"""The cases of a source with what the run and people say of them; chosen and ordered, without widgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from MedCLIPSegLib.desk.sources import Source

if TYPE_CHECKING:
    from MedCLIPSegLogic.desk.case_folder import Case
    from MedCLIPSegLogic.desk.review import ReviewState
    from MedCLIPSegLogic.desk.standing import Standing
    from MedCLIPSegLogic.knowledge.verdict import VerdictKind

WORST_FIRST: tuple[VerdictKind, ...] = ("foreign-image", "not-understood", "doubtful", "absent", "found")


class CaseList:
    """Cases, and the file that all reviewers of the folder share.

    Args:
        source: of the cases.
    """

    def __init__(self, source: Source) -> None:
        from MedCLIPSegLogic.desk.state_file import StateFile

        self.source = source
        self.cases: list[Case] = []
        self._file = StateFile(source.folder)
        self._states: dict[str, dict[str, Standing]] = {}
        self._modified = -1

    def look(self) -> None:
        """Look for cases and states again.

        Raises:
            MedCLIPSegError: the folder or the file of states cannot be read.
        """
        self.cases = self.source.cases()
        self.follow()

    def follow(self) -> bool:
        """Take over what others wrote since; False when nobody did.

        Raises:
            MedCLIPSegError: the file of states cannot be read.
        """
        modified = self._file.modified
        if modified == self._modified:
            return False
        self._modified = modified  # first: a damaged file is told of once
        self._states = self._file.read()
        return True

    def standings(self, case: Case) -> dict[str, Standing]:
        """By prompt: as people left them, else as the run did."""
        return {**case.standings, **self._states.get(case.key, {})}

    def state(self, case: Case) -> ReviewState:
        """State of a case by those of its segments."""
        from MedCLIPSegLogic.desk.standing import state_of

        return state_of(self.standings(case).values())

    def verdict(self, case: Case) -> VerdictKind | None:
        """The worst verdict of a case; None where nothing is known."""
        found = {standing.verdict for standing in self.standings(case).values()}
        return next((kind for kind in WORST_FIRST if kind in found), None)

    def isFlagged(self, case: Case) -> bool:
        """True when a verdict asks for a look."""
        from MedCLIPSegLogic.desk.standing import FLAGS

        return self.verdict(case) in FLAGS

    def isDisputed(self, case: Case) -> bool:
        """True when one person accepts what another rejects."""
        return any(standing.is_disputed for standing in self.standings(case).values())

    def expectedDice(self, case: Case) -> float | None:
        """The lowest of a case; None where nothing is known."""
        known = (standing.expected_dice for standing in self.standings(case).values())
        return min((dice for dice in known if dice is not None), default=None)

    def shown(self, name: str, order: str) -> list[Case]:
        """The cases of a filter in an order; see `FILTERS` and `ORDERS`."""
        return sorted(
            (case for case in self.cases if FILTERS[name](self, case)), key=lambda case: ORDERS[order](self, case)
        )

    def beside(self, key: str, step: int, name: str, order: str) -> Case | None:
        """The next case of a filter after one that need not pass it, around the end; None without another one."""
        ordered = self.shown("all", order)
        passing = {case.key for case in self.shown(name, order)}
        position = next((number for number, case in enumerate(ordered) if case.key == key), -1 if step > 0 else 0)
        around = [ordered[(position + step * number) % len(ordered)] for number in range(1, len(ordered) + 1)]
        return next((case for case in around if case.key in passing and case.key != key), None)


FILTERS: dict[str, Callable[[CaseList, Case], bool]] = {
    "all": lambda cases, case: True,
    "unreviewed": lambda cases, case: cases.state(case) == "unreviewed",
    "flagged": CaseList.isFlagged,
    "rejected": lambda cases, case: cases.state(case) == "rejected",
    "accepted": lambda cases, case: cases.state(case).startswith("accepted"),
    "disputed": CaseList.isDisputed,
}
ORDERS: dict[str, Callable[[CaseList, Case], tuple[float, str]]] = {
    "name": lambda cases, case: (0, ""),
    "quality": lambda cases, case: (_orLast(cases.expectedDice(case)), ""),
}
"""Sorting keeps the order of the source among equals."""


def _orLast(dice: float | None) -> float:
    return 2.0 if dice is None else dice
