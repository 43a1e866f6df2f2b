"""Words for what became of a row and what is to be thought of its answer."""

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from MedCLIPSegLib.prompts.prompt_rows import DONE, EDITED, EMPTY, FAILED, NEW, QUEUED, RUNNING

if TYPE_CHECKING:
    from MedCLIPSegLogic.knowledge.verdict import Verdict, VerdictKind


def stateWords() -> dict[str, tuple[str, str]]:
    """Word and explanation of every state of a row."""
    return {
        NEW: (_("new"), _("Not segmented yet")),
        QUEUED: (_("queued"), _("Waits until the run starts")),
        RUNNING: (_("running"), _("Is being segmented")),
        DONE: (_("done"), _("Segmented; the segment is what the model found")),
        EMPTY: (_("empty"), _("Segmented; nothing was found above the threshold")),
        EDITED: (_("edited"), _("The segment was edited by hand; no run overwrites it")),
        FAILED: (_("failed"), _("The last run ended with an error; the line below the Run button says which")),
    }


def verdictWords() -> "dict[VerdictKind, tuple[str, str]]":
    """Word for the table and title for a sentence, of every kind of verdict."""
    return {
        "found": (_("found"), _("Found")),
        "absent": (_("not there"), _("Not there")),
        "not-understood": (_("unclear"), _("Not understood")),
        "foreign-image": (_("foreign"), _("Foreign image")),
        "doubtful": (_("doubtful"), _("Doubtful")),
    }


def verdictText(verdict: "Verdict") -> str:
    """Title and sentence of a verdict."""
    return _("{title}. {sentence}").format(title=verdictWords()[verdict.kind][1], sentence=verdict.text)
