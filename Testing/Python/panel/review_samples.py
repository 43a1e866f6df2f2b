"""An image with results in the panel, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pythonqt
import slicer
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult
from MedCLIPSegLogic.knowledge.verdict import Verdict
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import find_segmentation, segment_mask, set_segment_mask
from MedCLIPSegLogic.scene.volumes import volume_from_node
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve

SHAPE = (6, 20, 24)
"""Voxels along K, J and I; 1 mm each."""

INSIDE = {1: 0.9, 2: 0.6, 3: 0.8, 4: 0.7}
"""Probability inside the box of a prompt in each slice along K; the others are empty."""

MOST_UNCERTAIN_FIRST = [2, 4, 3, 1]
"""Slices of `INSIDE`, the least sure one first."""


@dataclass(frozen=True)
class Reviewed:
    """Nodes in the scene, and the panel that shows them."""

    widget: Any
    volumeNode: Any
    segmentation: Any
    segmentIds: tuple[str, ...]

    def mask(self, number: int = 0) -> NDArray[np.uint8]:
        """Mask of a segment."""
        return segment_mask(self.segmentation, self.segmentIds[number], self.volumeNode)

    def state(self, number: int = 0) -> str:
        """State of a row."""
        return str(self.widget.logic.stateOf(self.widget.logic.rows[number]))


def addImage(name: str = "ct", shape: tuple[int, ...] = SHAPE) -> Any:
    """Add a volume and show it in all slice views."""
    voxels = np.random.default_rng(0).normal(100, 20, shape).astype(np.float32)
    node = slicer.util.addVolumeFromArray(voxels, name=name)
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def addResults(
    widget: Any,
    prompts: tuple[str, ...] = ("liver", "spleen"),
    volumeNode: Any = None,
    verdicts: tuple[Verdict, ...] = (),
    kind: str = "",
) -> Reviewed:
    """Give the panel an image and rows, and write results of all rows as a run does; the first row is selected.

    Args:
        widget: of the panel.
        prompts: of the rows.
        volumeNode: the image; None for a new one.
        verdicts: on the answers, none of them judged without.
        kind: of image that the run took the image for; empty where nobody can tell.
    """
    volumeNode = volumeNode if volumeNode is not None else addImage()
    widget.logic.parameters.inputVolume = volumeNode
    rows = widget.logic.rows.add(prompts)
    written = writeResults(volumeNode, prompts, verdicts, kind)
    for row, segmentId in zip(rows, written.segment_ids, strict=True):
        widget.logic.rows.update(row.rowId, segmentId=segmentId)
    widget.logic.parameters.segmentation = written.segmentation
    widget.logic.parameters.currentRow = 0
    widget.logic.changed()
    pythonqt.processEvents(50)
    return Reviewed(widget, volumeNode, written.segmentation, written.segment_ids)


def writeResults(
    volumeNode: Any, prompts: tuple[str, ...], verdicts: tuple[Verdict, ...] = (), kind: str = "", scene: Any = None
) -> SceneResult:
    """Write one result of all prompts; the boxes of the prompts lie side by side, what is held back has none."""
    volume = volume_from_node(volumeNode)
    results = tuple(
        _promptResult(prompt, number, volume.shape, verdicts[number] if verdicts else None)
        for number, prompt in enumerate(prompts)
    )
    result = SegmentationResult(
        volume=volume,
        prompts=results,
        slice_axis=0,
        slice_indices=tuple(range(volume.shape[0])),
        mapping=resolve(default_rule(volume), volume),
        settings={"model": "demo", "samples": 30, "seed": 5, "sight": {"kind": kind} if kind else None},
        seconds=1.0,
    )
    scene = scene if scene is not None else slicer.mrmlScene
    return write_result(scene, volumeNode, result, find_segmentation(scene, volumeNode))


def paint(reviewed: Reviewed, number: int = 0, editor: Any = None) -> None:
    """Add a column of voxels to a segment, as a person does; with undo when there is an editor."""
    if editor is not None:
        editor.saveStateForUndo()
    mask = reviewed.mask(number)
    mask[:, 0, :] = 1
    set_segment_mask(reviewed.segmentation, reviewed.segmentIds[number], mask, reviewed.volumeNode)


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier, target: Any = None) -> None:
    """Press a key in a widget, in the main window when None."""
    window = pythonqt.unwrap(slicer.util.mainWindow())
    window.activateWindow()
    QTest.qWaitForWindowActive(window, 2000)
    QTest.keyClick(target if target is not None else window, key, modifiers)
    pythonqt.processEvents(20)


def compositeXml() -> list[str]:
    """Everything the slice views show, as text."""
    return [repr((node.GetName(), _values(node))) for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")]


def _values(node: Any) -> list[Any]:
    roles: list[str] = []
    node.GetNodeReferenceRoles(roles)
    layers = (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID(), node.GetLabelVolumeID())
    opacities = (node.GetForegroundOpacity(), node.GetLabelOpacity(), node.GetCompositing())
    references = sorted((role, node.GetNodeReferenceID(role)) for role in roles if node.GetNodeReferenceID(role))
    attributes = sorted((name, node.GetAttribute(name)) for name in node.GetAttributeNames())
    return [layers, opacities, references, attributes]


def _promptResult(prompt: str, number: int, shape: tuple[int, ...], verdict: Verdict | None) -> PromptResult:
    if verdict is not None and verdict.is_unknown:
        nothing = np.zeros(shape, np.uint8)
        return PromptResult(prompt, prompt, None, nothing, None, None, 0.5, None, verdict=verdict)
    probability = np.full(shape, 0.05, np.float32)
    for index, inside in INSIDE.items():
        if index < shape[0]:
            probability[index, 4:14, 2 + 8 * number : 8 + 8 * number] = inside
    if shape[0] == 1:
        probability[0, 4:14, 2 + 8 * number : 8 + 8 * number] = 0.8
    entropy = -probability * np.log(probability) - (1 - probability) * np.log(1 - probability)
    mask = (probability > (1 if verdict is not None and verdict.kind == "absent" else 0.5)).astype(np.uint8)
    return PromptResult(
        prompt=prompt,
        name=prompt,
        probability=probability,
        mask=mask,
        uncertainty=entropy,
        mutual_information=0.1 * entropy,
        threshold=0.5,
        mean_uncertainty=float(entropy[mask > 0].mean()) if mask.any() else 0.2,
        verdict=verdict,
    )
