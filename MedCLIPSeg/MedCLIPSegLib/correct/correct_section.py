"""The Correct section: the segment editor inside the panel, with its undo."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.correct.edit_watch import EditWatch
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import EDITED
from MedCLIPSegLib.prompts.row_edits import RowEdits
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import removeShortcut, shortcut

EDITOR_NODE_TAG = "MedCLIPSeg"
EFFECTS = ["Paint", "Erase", "Draw", "Scissors", "Islands", "Smoothing", "Threshold"]
UNDO_STATES = 10


class CorrectSection(Section):
    """Opens the segment of the selected row in the segment editor, and takes model results back.

    The editor is made when it is first needed: when the section is opened, or before a run or the threshold changes
    segments, because its history is what undo goes back in. Its keys work while the section is open; while it is
    closed, only undo and redo do, so that no key starts a tool nobody sees. During a run its tools work by mouse, but
    nothing goes back in its history.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._label, self._place = ui.correctCollapsibleButton, ui.correctLabel, ui.segmentEditorPlace
        self._takeBack = ui.takeBackButton
        self._watch = EditWatch(logic)
        self._edits = RowEdits(logic)
        self._editor: Any = None
        self._editorNode: Any = None
        self._undoButtons: Any = ()
        self._historyButtons: Any = ()
        self._followed: tuple[str, str] | None = None
        self._isFollowing = False
        self._isEntered = False
        self._areEditorKeysOn = False
        self._isHeld = False
        self._keys: list[Any] = []
        self._section.connect("contentsCollapsed(bool)", self._onCollapsed)
        self._takeBack.connect("clicked()", lambda: self._goInHistory("undo"))
        logic.changed.connect(self._onLogicChanged)

    def saveStateForUndo(self, segmentationNode: Any) -> None:
        """Let undo come back to what a segmentation is now; called before a program changes it."""
        self._makeEditor()
        if self._editor is None:
            return
        self._useNodes(segmentationNode)
        self._editor.saveStateForUndo()
        self._takeBack.enabled = True

    def enter(self) -> None:
        """Turn the keys and the tools on."""
        self._isEntered = True
        self._installKeys()

    def exit(self) -> None:
        """Put the tools down, let keys and views go, and mark what was edited."""
        self._isEntered = False
        self._releaseKeys()
        self._watch.settle()

    def cleanup(self) -> None:
        """Let go of everything: the panel goes away."""
        self._logic.changed.disconnect(self._onLogicChanged)
        self.exit()
        self._watch.watch(None)
        if self._editor is not None:
            self._editor.setMRMLSegmentEditorNode(None)
            self._editor.setMRMLScene(None)
            self._editor.setParent(None)
            self._editor.deleteLater()
        self._editor, self._editorNode, self._undoButtons, self._historyButtons = None, None, (), ()

    def refresh(self) -> None:
        """Show the segment of the selected row."""
        if self._logic.parameters is None:
            self._forget()
            return
        row, segmentation = self._logic.currentRow, self._logic.segmentationNode
        self._watch.watch(segmentation)
        segmentId = self._logic.segmentOf(row)
        self._section.enabled = self._logic.hasResults or self._canUndo()
        self._place.visible = segmentId is not None
        if row is None or segmentId is None:
            self._label.text = _("Select a prompt with a result.")
            if self._editor is not None:
                self._editor.setActiveEffect(None)
        elif self._logic.stateOf(row) == EDITED:
            self._label.text = _("“{name}” was edited; a new run keeps it and adds another segment.").format(
                name=row.label
            )
        else:
            self._label.text = _("Correct “{name}”.").format(name=row.label)
        if not self._section.collapsed:
            self._makeEditor()
        self._follow(segmentation, segmentId)
        self._takeBack.enabled = self._canUndo() and not self._logic.isRunning

    def _follow(self, segmentation: Any, segmentId: str | None) -> None:
        """Show another segmentation or segment in the editor; leaves a choice made in the editor alone."""
        if self._editor is None or self._logic.isRunning:
            return
        self._useNodes(segmentation)
        if segmentation is None or segmentId is None:
            self._followed = None
        elif self._followed != (segmentation.GetID(), segmentId):
            self._followed = (segmentation.GetID(), segmentId)
            with self._following():
                self._editor.setCurrentSegmentID(segmentId)

    def _useNodes(self, segmentation: Any) -> None:
        """Give the editor a segmentation and its image; it forgets its history with every other segmentation.

        The editor changes the layers of the slice views when it gets nodes; they are put back.
        """
        volumeNode = None
        if segmentation is not None:  # its own image: the panel may show another one when a run ends
            role = segmentation.GetReferenceImageGeometryReferenceRole()
            volumeNode = segmentation.GetNodeReference(role) or self._logic.volumeNode
        node = self._ownNode()
        if node is not self._editorNode:
            self._editorNode = node
            self._editor.setMRMLSegmentEditorNode(node)
        if node.GetSegmentationNode() is segmentation and node.GetSourceVolumeNode() is volumeNode:
            return
        with self._following(), _layersKept():
            self._editor.setSegmentationNode(segmentation)
            self._editor.setSourceVolumeNode(volumeNode)

    @contextmanager
    def _following(self) -> Iterator[None]:
        """Choices the editor reports meanwhile are not a person's."""
        self._isFollowing = True
        try:
            yield
        finally:
            self._isFollowing = False

    def _makeEditor(self) -> None:
        if self._editor is not None or not hasattr(slicer, "qMRMLSegmentEditorWidget"):
            return
        editor = slicer.qMRMLSegmentEditorWidget()
        editor.setMaximumNumberOfUndoStates(UNDO_STATES)
        editor.setMRMLScene(slicer.mrmlScene)
        editor.setEffectNameOrder(EFFECTS)
        editor.unorderedEffectsVisible = False
        editor.segmentationNodeSelectorVisible = False
        editor.sourceVolumeNodeSelectorVisible = False
        editor.switchToSegmentationsButtonVisible = False
        self._place.layout().addWidget(editor)
        self._editor = editor
        self._editorNode = self._ownNode()
        editor.setMRMLSegmentEditorNode(self._editorNode)
        editor.connect("currentSegmentIDChanged(QString)", self._onSegmentChosen)
        self._undoButtons = slicer.util.findChildren(editor, name="UndoButton")
        self._historyButtons = slicer.util.findChildren(editor, name="UndoRedoGroupBox")
        self._installKeys()
        self._holdHistory()

    def _ownNode(self) -> Any:
        """The editor's node; its own, so that the Segment Editor module keeps its tools and choices."""
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(EDITOR_NODE_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(EDITOR_NODE_TAG)
            node = scene.AddNode(node)
        return node

    def _canUndo(self) -> bool:
        """True when the editor has a state to go back to; the editor says so by its own button only."""
        # Not `enabled`: that is False for everything in a section that is disabled.
        hasSegments = self._logic.segmentationNode is not None
        return hasSegments and any(button.isEnabledTo(button.parentWidget()) for button in self._undoButtons)

    def _goInHistory(self, step: str) -> None:
        if self._editor is not None and not self._logic.isRunning:
            getattr(self._editor, step)()
            self._watch.settle()
            self._edits.followSegments()
            self._logic.changed()

    def _onSegmentChosen(self, segmentId: str) -> None:
        """Select the row of the segment a person chose in the editor."""
        row, segmentationNode = self._logic.currentRow, self._logic.segmentationNode
        if self._isFollowing or segmentationNode is None or self._logic.isRunning:
            return
        if row is not None and self._logic.segmentOf(row) is None:
            return  # an undo removed the segment, and the editor chose another by itself
        before, self._followed = self._followed, (segmentationNode.GetID(), segmentId)
        if not self._logic.selectSegment(segmentId):
            self._followed = before

    def _onCollapsed(self, _isCollapsed: bool) -> None:
        self._releaseKeys()
        self._installKeys()
        self.refresh()

    def _onLogicChanged(self) -> None:
        """Let go at once of the nodes of a scene that closes and of undo when a run begins, not at the next refresh."""
        if self._logic.parameters is None and slicer.mrmlScene.IsClosing():
            self._forget()
        if self._isHeld != self._logic.isRunning:
            self._holdHistory()

    def _holdHistory(self) -> None:
        """Keep the editor's own buttons and keys from undo and redo during a run, and give them back after it."""
        self._isHeld = self._logic.isRunning
        for buttons in self._historyButtons:
            buttons.enabled = not self._isHeld
        if self._areEditorKeysOn and self._isHeld:
            self._editor.uninstallKeyboardShortcuts()
        elif self._areEditorKeysOn:
            self._installEditorKeys()

    def _forget(self) -> None:
        self._watch.watch(None)
        self._followed, self._editorNode = None, None
        self._section.enabled, self._takeBack.enabled = False, False
        if self._editor is not None:
            self._editor.setActiveEffect(None)
            self._editor.setSegmentationNode(None)
            self._editor.setSourceVolumeNode(None)

    def _installKeys(self) -> None:
        """Turn on the editor's keys and mouse while its section is open, else undo and redo only."""
        if not self._isEntered or self._editor is None:
            return
        self._releaseKeys()
        if not self._section.collapsed:
            if not self._isHeld:
                self._installEditorKeys()
            self._editor.setupViewObservations()
            self._areEditorKeysOn = True
            return
        for key, step in (("Ctrl+Z", "undo"), ("Ctrl+Y", "redo")):
            act = partial(self._goInHistory, step)
            self._keys.append(shortcut(key, slicer.util.mainWindow() or self._section.parent(), act))

    def _installEditorKeys(self) -> None:
        if slicer.util.mainWindow() is not None:  # the editor gives its keys to it
            self._editor.installKeyboardShortcuts()

    def _releaseKeys(self) -> None:
        for key in self._keys:
            removeShortcut(key)
        self._keys = []
        if self._areEditorKeysOn and self._editor is not None:
            self._editor.setActiveEffect(None)
            self._editor.uninstallKeyboardShortcuts()
            self._editor.removeViewObservations()
        self._areEditorKeysOn = False


@contextmanager
def _layersKept() -> Iterator[None]:
    """Put what every slice view shows back at the end: the IDs of its background, foreground and label layer."""
    layers = [
        (node, layer, getattr(node, f"Get{layer}VolumeID")())
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        for layer in ("Background", "Foreground", "Label")
    ]
    try:
        yield
    finally:
        for node, layer, before in layers:
            if getattr(node, f"Get{layer}VolumeID")() != before:
                getattr(node, f"Set{layer}VolumeID")(before)
