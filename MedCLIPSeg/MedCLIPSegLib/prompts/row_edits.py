"""What a person changes in a row, carried over to its segment."""

from collections.abc import Iterable
from dataclasses import replace

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.prompts.prompt_list_file import ListedPrompt, parseThreshold
from MedCLIPSegLib.prompts.prompt_rows import EDITED, Color, PromptRow
from MedCLIPSegLib.scene_state import SceneState
from MedCLIPSegLogic.errors import MedCLIPSegError


class RowEdits:
    """Changes rows so that row and segment never say different things.

    Args:
        logic: has the rows, their segments and maps.
    """

    def __init__(self, logic: SceneState) -> None:
        self._logic = logic

    def setName(self, row: PromptRow, text: str) -> None:
        """Name a row; its prompt or nothing means that it has no name of its own."""
        name = "" if text == row.prompt else text
        segmentId = self._logic.segmentOf(row)
        self._logic.rows.update(row.rowId, name=name)
        if segmentId is not None:
            from MedCLIPSegLogic.scene.segment_look import set_segment_name

            set_segment_name(self._logic.segmentationNode, segmentId, name or row.prompt)

    def setPrompt(self, row: PromptRow, text: str) -> None:
        """Look for something else; the segment of the earlier prompt stays as it is."""
        self._logic.rows.update(row.rowId, prompt=text)

    def askInstead(self, row: PromptRow, prompt: str) -> PromptRow:
        """Let a row look for something else, and take away what it found unless a person edited that.

        Returns:
            The row with the prompt; another one where that has it already.
        """
        other = next((each for each in self._logic.rows if each.prompt == prompt), None)
        if other is not None:
            self._logic.select(other)
            return other
        segmentId = self._logic.segmentOf(row)
        if segmentId is not None and self._logic.stateOf(row) != EDITED:
            self._removeAnswer(row, segmentId)
        self._logic.rows.update(row.rowId, prompt=prompt, segmentId="")
        return self._logic.rows[self._logic.rows.indexOf(row.rowId)]

    def setColor(self, row: PromptRow, color: Color) -> None:
        """Color a row and its segment."""
        segmentId = self._logic.segmentOf(row)
        self._logic.rows.update(row.rowId, color=color)
        if segmentId is not None:
            from MedCLIPSegLogic.scene.segment_look import set_segment_color

            set_segment_color(self._logic.segmentationNode, segmentId, color)

    def isVisible(self, row: PromptRow) -> bool | None:
        """Whether the segment of a row is shown; None where there is none."""
        segmentId = self._logic.segmentOf(row)
        if segmentId is None:
            return None
        from MedCLIPSegLogic.scene.segment_look import is_segment_visible

        return is_segment_visible(self._logic.segmentationNode, segmentId)

    def toggleVisible(self, row: PromptRow) -> None:
        """Show the segment of a row, or hide it."""
        segmentId = self._logic.segmentOf(row)
        if segmentId is not None:
            from MedCLIPSegLogic.scene.segment_look import set_segment_visible

            set_segment_visible(self._logic.segmentationNode, segmentId, not self.isVisible(row))

    def setThreshold(self, row: PromptRow, text: str) -> None:
        """Give a row a threshold and move the boundary of its segment there.

        Raises:
            MedCLIPSegError: the text is no threshold, or the segment was edited by hand; nothing was changed then.
        """
        threshold = parseThreshold(text)
        if threshold is None:
            raise MedCLIPSegError(
                _("“{text}” is not a threshold; type a number between 0 and 1.").format(text=text.strip())
            )
        if threshold == row.threshold:
            return
        segmentId, mapNode = self._logic.segmentOf(row), self._logic.mapOf(row, "Probability")
        if segmentId is not None and mapNode is not None:
            from MedCLIPSegLogic.scene.threshold import LiveThreshold

            self._logic.saveStateForUndo(self._logic.segmentationNode)
            live = LiveThreshold(self._logic.segmentationNode, segmentId, mapNode, self._logic.volumeNode)
            live.apply(threshold)
            live.finish()
        self._logic.rows.update(row.rowId, threshold=threshold)

    def followSegments(self) -> None:
        """Give rows the thresholds and islands their segments were made with: undo or redo may have changed these."""
        from MedCLIPSegLogic.scene.tags import island_rule_of, segment_record

        segmentationNode = self._logic.segmentationNode
        for row in self._logic.rows:
            segmentId = self._logic.segmentOf(row)
            if segmentationNode is not None and segmentId is not None:
                segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
                threshold = parseThreshold(segment_record(segment).get("Threshold", ""))
                if threshold is not None:
                    self._logic.rows.update(row.rowId, threshold=threshold, islands=island_rule_of(segment))

    def _removeAnswer(self, row: PromptRow, segmentId: str) -> None:
        from MedCLIPSegLogic.scene.map_volumes import MAP_ROLES, remove_map

        segmentationNode, volumeNode = self._logic.segmentationNode, self._logic.volumeNode
        if segmentationNode is None or volumeNode is None:
            return
        self._logic.saveStateForUndo(segmentationNode)
        segmentationNode.GetSegmentation().RemoveSegment(segmentId)
        for role in MAP_ROLES:
            remove_map(slicer.mrmlScene, volumeNode, row.prompt, role)

    def addPrompts(self, entries: Iterable[ListedPrompt]) -> tuple[list[PromptRow], int]:
        """Add a row for every prompt that has none; rows that are there stay as they are.

        Returns:
            The new rows, and the number of prompts that had a row.
        """
        rows = self._logic.rows
        known = {row.prompt for row in rows}
        wanted: dict[str, ListedPrompt] = {}
        count = 0
        for entry in entries:
            count += 1
            if entry.prompt not in known:
                wanted.setdefault(entry.prompt, entry)
        added = rows.add(wanted)
        details = {row.rowId: wanted[row.prompt] for row in added}
        if any(entry != ListedPrompt(entry.prompt) for entry in details.values()):
            rows.replaceAll([_detailed(row, details.get(row.rowId)) for row in rows])
        return [row for row in rows if row.rowId in details], count - len(added)


def linesOf(text: str) -> list[ListedPrompt]:
    """One prompt for every line of a text that isn't blank."""
    return [ListedPrompt(line.strip()) for line in text.splitlines() if line.strip()]


def _detailed(row: PromptRow, entry: ListedPrompt | None) -> PromptRow:
    if entry is None:
        return row
    return replace(row, name=entry.name, color=entry.color or row.color, threshold=entry.threshold)
