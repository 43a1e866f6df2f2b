"""The module as 3D Slicer loads it: wires the panel to the logic and the scene."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# MedCLIPSegLib puts a source tree's engine package on the path. The logic class hides that package's name in this
# file: import from the package, never the package.
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.sample_data import registerSampleData

if TYPE_CHECKING:
    from MedCLIPSegLib.panel import Panel


class MedCLIPSeg(ScriptedLoadableModule):
    """Describes the module to Slicer."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = _("MedCLIPSeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = []  # a missing module named here would disable this one, so PyTorchUtils is not
        parent.contributors = ["MedCLIPSeg contributors"]
        parent.helpText = _(
            "Segments what a typed prompt names and shows how sure the model is: a mask, a probability map and an "
            "uncertainty map for every prompt.<br><br>"
            "1. Load an image. 2. Type what to look for, for example <i>tumor in the brain MRI</i>, or click what the "
            "model knows, and press Enter. The line below the table says what is to be thought of the answer. 3. Move "
            "the threshold, look at the uncertainty in <i>Review</i>, mend the segment in <i>Correct</i>, and write it "
            "to files in <i>Export</i>.<br><br>"
            "For research only, not for clinical decisions."
        )
        parent.acknowledgementText = _(
            "Implements MedCLIPSeg (Koleilat et al., CVPR 2026, arXiv:2602.20423), the successor of MedCLIP-SAM "
            "(MICCAI 2024, arXiv:2403.20253) and MedCLIP-SAMv2 (arXiv:2409.19483). Please cite these papers."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


class MedCLIPSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Shows the panel and follows the life of the scene."""

    logic: MedCLIPSegLogic
    """Made by `setup`, when the module is first opened."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.panel: Panel | None = None

    def setup(self) -> None:
        from MedCLIPSegLib.panel import Panel

        super().setup()
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/MedCLIPSeg.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = MedCLIPSegLogic()
        self.panel = Panel(self.ui, self.logic, Path(self.resourcePath("requirements.txt")))
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneReplaced)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneReplaced)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved)

    def cleanup(self) -> None:
        self.removeObservers()
        if self.panel is not None:  # None when the module was never opened
            self.panel.cleanup()
            self.panel = None

    def enter(self) -> None:
        if self.panel is not None:
            self.panel.enter()

    def exit(self) -> None:
        if self.panel is not None:  # None after cleanup
            self.panel.exit()

    def onReload(self) -> None:
        """Reload the helper packages too: Slicer itself executes only this file again.

        A run is ended before: on its thread it would import half of the new packages.
        """
        self.logic.runControl.finishWriting()
        self.logic.runControl.shutDown()
        for name in list(sys.modules):
            if name.partition(".")[0] in ("MedCLIPSegLib", "MedCLIPSegLogic"):
                del sys.modules[name]
        super().onReload()

    def onSceneStartClose(self, _caller: Any, _event: Any) -> None:
        self.logic.runControl.drop(_("The scene was closed, so the run was stopped; nothing was written."))
        if self.panel is not None:
            self.panel.release()

    def onSceneReplaced(self, _caller: Any, _event: Any) -> None:
        if self.panel is not None and self.parent.isEntered:
            self.panel.bind()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, _caller: Any, _event: Any, node: Any) -> None:
        if self.panel is not None and node.IsA("vtkMRMLVolumeNode") and not slicer.mrmlScene.IsBatchProcessing():
            self.panel.onVolumeAdded()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAboutToBeRemoved(self, _caller: Any, _event: Any, node: Any) -> None:
        if not slicer.mrmlScene.IsClosing():
            self.logic.onNodeRemoved(node)


class MedCLIPSegTest(ScriptedLoadableModuleTest):
    """What only the application can show."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        for test in (self.test_panelOpens, self.test_segmentationLiesOnVoxelGrid):
            self.setUp()
            test()

    def test_panelOpens(self) -> None:
        widget = slicer.util.getModuleWidget("MedCLIPSeg")
        widget.enter()
        assert not widget.logic.isRunning
        widget.exit()

    def test_segmentationLiesOnVoxelGrid(self) -> None:
        if importlib.util.find_spec("torch") is None:
            self.skipTest("PyTorch is not installed")
        volumeNode = slicer.util.addVolumeFromArray(np.tile(np.arange(128, dtype=np.uint8), (1, 96, 1)))
        segmentation = MedCLIPSegLogic().segment(volumeNode, ["tumor in the brain MRI"], samples=2)
        segmentId = segmentation.GetSegmentation().GetNthSegmentID(0)
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segmentId, volumeNode)
        assert mask.shape == (1, 96, 128)
