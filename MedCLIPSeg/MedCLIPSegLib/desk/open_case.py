"""The case on the desk: opened from a list, and kept when a person has judged or leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_list_file import ListedPrompt
from MedCLIPSegLib.prompts.row_edits import RowEdits
from MedCLIPSegLib.review.reviews import Reviews
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLib.desk.sources import Source
    from MedCLIPSegLogic.desk.case_folder import Case
    from MedCLIPSegLogic.desk.standing import Standing

OF_SCENE = ("inputVolume", "segmentation", "promptTable", "currentRow", "scope", "firstSlice", "lastSlice")
"""Choices that go with an image; all others are taken along to the next one."""


class OpenCase:
    """Opens cases one after the other; the scene holds one at a time.

    What a person did is kept in the folder of the cases: what they think in the state file they share, changed or new
    segments in a scene of their own, so that nobody replaces the work of others.

    Args:
        logic: state and work of the module.
        reviews: of the segments in the scene.
    """

    def __init__(self, logic: MedCLIPSegLogic, reviews: Reviews) -> None:
        self._logic, self._reviews = logic, reviews
        self._edits = RowEdits(logic)
        self._case: Case | None = None
        self._source: Source | None = None
        self._volumeNode: Any = None
        self._kept: tuple[dict[str, str], dict[str, Standing]] = {}, {}

    @property
    def key(self) -> str:
        """Of the case in the scene; empty when the scene holds something else."""
        isThere = self._volumeNode is not None and self._volumeNode.GetScene() is slicer.mrmlScene
        return self._case.key if self._case is not None and isThere else ""

    def isOf(self, source: Source | None) -> bool:
        """Whether the open case comes from the same place."""
        return source is not None and self._source is not None and source.folder == self._source.folder

    def open(self, case: Case, source: Source) -> None:
        """Keep the case that is open, and open another one in its place.

        Raises:
            MedCLIPSegError: a run or an export is under way, the open case cannot be kept, a person does not want the
                scene closed, or the case cannot be read; only then the scene is empty.
        """
        from MedCLIPSegLogic.desk.case_folder import kept_scene

        if self._logic.isRunning or self._logic.isExporting:
            raise MedCLIPSegError(_("A run or an export is still under way; wait for its end."))
        if self.key:
            self.keep()
        elif self._logic.volumeNode is not None and not self._logic.confirm(
            _("Opening a case closes the present scene, and what is not saved is lost. Open “{case}”?").format(
                case=case.label
            )
        ):
            raise MedCLIPSegError(_("Nothing was opened."))
        choices = self._choices()
        prompts = [ListedPrompt(row.prompt, row.name, row.color, row.threshold) for row in self._logic.rows]
        self._case, self._source, self._volumeNode = None, None, None
        slicer.mrmlScene.Clear(0)
        scene = kept_scene(source.folder, case.key)
        if scene is not None:
            from MedCLIPSegLib.desk.sources import loadScene

            loadScene(scene)
        else:
            source.load(case)
        self._logic.chooseImage()
        self._case, self._source, self._volumeNode = case, source, self._logic.volumeNode
        if self._volumeNode is None:
            raise MedCLIPSegError(_("“{case}” holds no image that can be segmented.").format(case=case.label))
        if self._logic.segmentationNode is None:
            self._takeAlong(choices, prompts)
        else:
            self._showSegments()
            self._takeReviews()
        if self._logic.currentRow is None and len(self._logic.rows):
            self._logic.select(self._logic.rows[0])
        self._kept = self._masks(), self._standings()
        self._logic.changed()

    def keep(self) -> None:
        """Keep what was done to the open case; does nothing when no case is open, or nothing was done.

        Raises:
            MedCLIPSegError: it cannot be written; what could not be kept is still in the scene.
        """
        from MedCLIPSegLogic.desk.case_folder import scene_to_keep
        from MedCLIPSegLogic.desk.state_file import StateFile
        from MedCLIPSegLogic.scene.export import save_scene

        if not self.key or self._case is None or self._source is None:
            return
        masks, standings = self._masks(), self._standings()
        if masks != self._kept[0]:  # first, as a judgment must not outlive the mask it is about
            path = scene_to_keep(self._source.folder, self._case.key, self._reviews.reviewer)
            _makeFolder(path.parent)
            save_scene(slicer.mrmlScene, path)
            self._kept = masks, self._kept[1]
        if standings != self._kept[1]:
            StateFile(self._source.folder).add(self._case.key, standings)
            self._kept = masks, standings

    def _standings(self) -> dict[str, Standing]:
        """What the segments carry, by prompt."""
        from MedCLIPSegLogic.scene.segment_review import standings_of

        node = self._segmentation()
        return standings_of(node, self._volumeNode) if node is not None else {}

    def _masks(self) -> dict[str, str]:
        """Fingerprints of all segments by ID."""
        from MedCLIPSegLogic.scene.segment_review import mask_fingerprint

        node = self._segmentation()
        ids = node.GetSegmentation().GetSegmentIDs() if node is not None else ()
        there = [each for each in ids if node.GetBinaryLabelmapInternalRepresentation(each) is not None]
        return {segmentId: mask_fingerprint(node, segmentId, self._volumeNode) for segmentId in there}

    def _segmentation(self) -> Any:
        """That of the case, also while a person looks at another image; None without results."""
        from MedCLIPSegLogic.scene.segmentation import find_segmentation

        return find_segmentation(slicer.mrmlScene, self._volumeNode) if self.key else None

    def _choices(self) -> dict[str, Any]:
        """What a person chose for runs, without what belongs to the image."""
        parameters = self._logic.parameters
        names = [name for name in type(parameters).__annotations__ if name not in OF_SCENE] if parameters else []
        return {name: getattr(parameters, name) for name in names}

    def _takeAlong(self, choices: dict[str, Any], prompts: list[ListedPrompt]) -> None:
        for name, value in choices.items():
            setattr(self._logic.parameters, name, value)
        self._edits.addPrompts(prompts)

    def _showSegments(self) -> None:
        """Give every segment of a run a row; scenes of the command line have none."""
        from MedCLIPSegLogic.scene.segmentation import run_segments

        entries = [
            ListedPrompt(record["Prompt"], _name(segment, record), segment.GetColor(), _threshold(record))
            for _id, segment, record in run_segments(self._logic.segmentationNode)
        ]
        self._edits.addPrompts(entries)

    def _takeReviews(self) -> None:
        """Put what others think of the same masks on the segments."""
        from MedCLIPSegLogic.desk.state_file import StateFile
        from MedCLIPSegLogic.scene.segment_review import mask_fingerprint, review_of, write_review
        from MedCLIPSegLogic.scene.segmentation import run_segments

        if self._source is None or self._case is None:
            return
        known = StateFile(self._source.folder).read().get(self._case.key, {})
        node = self._logic.segmentationNode
        for segmentId, _segment, record in run_segments(node):
            review = known[record["Prompt"]].latest if record["Prompt"] in known else None
            if review is None or review.mask != mask_fingerprint(node, segmentId, self._volumeNode):
                continue
            present = review_of(node, segmentId, self._volumeNode)
            if present is None or present.time < review.time:
                write_review(node, segmentId, review)


def _name(segment: Any, record: dict[str, str]) -> str:
    name = str(segment.GetName())
    return "" if name == record["Prompt"] else name


def _threshold(record: dict[str, str]) -> float:
    from MedCLIPSegLib.prompts.prompt_list_file import parseThreshold
    from MedCLIPSegLib.prompts.prompt_rows import DEFAULT_THRESHOLD

    return parseThreshold(record.get("Threshold", "")) or DEFAULT_THRESHOLD


def _makeFolder(folder: Any) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise MedCLIPSegError(
            _("The folder {folder} cannot be made ({reason}); change the permissions or choose another folder.").format(
                folder=folder, reason=error.strerror or error
            )
        ) from error
