"""The module as 3D Slicer loads it: wires the panel to the engine and the scene."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# MedCLIPSegLib puts a source tree's engine package on the path, so it comes first. The logic class below hides that
# package's name in this file: import from the package, never the package.
from MedCLIPSegLib.dependencies import Dependencies
from MedCLIPSegLib.parameter_binding import ParameterBinding
from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
from MedCLIPSegLib.run_control import RunControl
from MedCLIPSegLib.run_view import RunView
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress, SegmentationResult


class MedCLIPSeg(ScriptedLoadableModule):
    """Describes the module to Slicer."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = _("MedCLIPSeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = []  # a missing module named here would disable this one, so PyTorchUtils is not
        parent.contributors = ["MedCLIPSeg contributors"]
        parent.helpText = _(
            "Segments what a text prompt names and shows how sure the model is: a mask, a probability map and an "
            "uncertainty map. For research only, not for clinical use."
        )
        parent.acknowledgementText = _("Implements MedCLIPSeg (Koleilat et al., CVPR 2026, arXiv:2602.20423).")


class MedCLIPSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: MedCLIPSegLogic | None = None

    def setup(self) -> None:
        super().setup()
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/MedCLIPSeg.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = MedCLIPSegLogic()
        self.dependencies = Dependencies(Path(self.resourcePath("requirements.txt")))
        self.parameters = ParameterBinding(self.logic.getParameterNode, self.ui, self.updateControls)
        self.runView = RunView(self.ui)
        self.runControl = RunControl(self.runView, self.writeResult, self.updateControls)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.ui.promptLineEdit.connect("textChanged(QString)", self.updateControls)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeRemoved)
        self.parameters.bind()

    def cleanup(self) -> None:
        if self.logic is not None:  # None when the module was never opened
            self.runControl.drop("")
            self.parameters.release()
        self.removeObservers()

    def enter(self) -> None:
        self.parameters.bind()

    def exit(self) -> None:
        self.parameters.pause()

    def onReload(self) -> None:
        """Reload the helper packages too: Slicer itself executes only this file again."""
        for name in list(sys.modules):
            if name.partition(".")[0] in ("MedCLIPSegLib", "MedCLIPSegLogic"):
                del sys.modules[name]
        super().onReload()

    def updateControls(self) -> None:
        if self.runControl.isRunning:
            self.runView.showRunning()
        else:
            hasPrompt = bool(self.ui.promptLineEdit.text.strip())
            self.runView.showIdle(canApply=hasPrompt and self.parameters.hasInputVolume())

    def onApplyButton(self) -> None:
        if self.runControl.isRunning:
            self.runControl.drop(_("Cancelled; nothing was written."))
            return
        self.runView.block()  # questions and pip turn the event loop: no second click meanwhile
        try:
            self.dependencies.ensure()
            image = self.parameters.inputVolume()
            self.runControl.start(self.logic.segment(image, self.ui.promptLineEdit.text.strip()), image.GetID())
        except Exception as error:
            self.runControl.fail(error)

    def writeResult(self, volumeId: str, result: SegmentationResult) -> None:
        earlier = self.parameters.segmentationOf(volumeId)
        self.parameters.node.segmentation = self.logic.writeResult(volumeId, result, earlier)

    def onSceneStartClose(self, _caller: Any, _event: Any) -> None:
        self.runControl.drop(_("The scene was closed, so the run was stopped; nothing was written."))
        self.parameters.release()

    def onSceneEndClose(self, _caller: Any, _event: Any) -> None:
        if self.parent.isEntered:
            self.parameters.bind()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, _caller: Any, _event: Any, node: Any) -> None:
        self.runControl.dropIfInput(node.GetID())


class MedCLIPSegLogic(ScriptedLoadableModuleLogic):
    """Runs the engine on nodes of the scene, for the panel and for scripts."""

    def __init__(self) -> None:
        super().__init__()
        self._model: Any = None

    def getParameterNode(self) -> MedCLIPSegParameterNode:
        return MedCLIPSegParameterNode(super().getParameterNode())

    def segment(self, volumeNode: Any, prompt: str) -> Iterator[Progress | SegmentationResult]:
        """Steps of a run. The voxels are taken now: the node may change or vanish before the last step."""
        from MedCLIPSegLogic.inference.request import SegmentationRequest
        from MedCLIPSegLogic.scene.maps import map_role
        from MedCLIPSegLogic.scene.volumes import volume_from_node

        if map_role(volumeNode) is not None:
            raise MedCLIPSegError(_("This image is a map made by MedCLIPSeg; select the image it was made from."))
        return self._steps(SegmentationRequest(volume=volume_from_node(volumeNode), prompts=(prompt,)))

    def writeResult(self, volumeId: str, result: SegmentationResult, segmentationNode: Any = None) -> Any:
        """Put masks and maps into the scene; returns the segmentation node, a new one unless one is given."""
        from MedCLIPSegLogic.scene.result_writer import write_result

        volumeNode = slicer.mrmlScene.GetNodeByID(volumeId)
        if volumeNode is None:
            raise MedCLIPSegError(_("The input image is no longer in the scene; nothing was written."))
        return write_result(slicer.mrmlScene, volumeNode, result, segmentationNode).segmentation

    def _steps(self, request: Any) -> Iterator[Progress | SegmentationResult]:
        from MedCLIPSegLogic.inference.engine import run
        from MedCLIPSegLogic.model.library import load_model

        self._model = self._model or load_model()
        yield from run(self._model, request)


class MedCLIPSegTest(ScriptedLoadableModuleTest):
    """What only the application can show."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        for test in (self.test_panelDropsRunOnSceneClose, self.test_segmentationLiesOnVoxelGrid):
            self.setUp()
            test()

    def test_panelDropsRunOnSceneClose(self) -> None:
        widget = slicer.util.getModuleWidget("MedCLIPSeg")
        widget.runControl.start(iter(()), "vtkMRMLScalarVolumeNode1")
        slicer.mrmlScene.Clear()
        assert not widget.runControl.isRunning

    def test_segmentationLiesOnVoxelGrid(self) -> None:
        if importlib.util.find_spec("torch") is None:
            self.skipTest("PyTorch is not installed")
        volumeNode = slicer.util.addVolumeFromArray(np.tile(np.arange(128, dtype=np.uint8), (1, 96, 1)))
        logic = MedCLIPSegLogic()
        *_progress, result = logic.segment(volumeNode, "a bright area")
        segmentation = logic.writeResult(volumeNode.GetID(), result)
        segment = segmentation.GetSegmentation().GetNthSegmentID(0)
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment, volumeNode)
        np.testing.assert_array_equal(mask, result.prompts[0].mask)
