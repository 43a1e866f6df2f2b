"""The host's application: scene, views, modules, dialogs, settings."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import slicerhost
from slicerhost import dialogs, namespaces, packaging, pytorch_utils, sample_data
from slicerhost.start import REPOSITORY

DEMO = REPOSITORY / "MedCLIPSegLogic" / "Resources" / "Demo"
MODULE = """
import slicer
from slicer.ScriptedLoadableModule import *

class HostProbe(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "Probe"
        slicer.app.connect("startupCompleted()", self.onStarted)
        slicer.hostProbeCalls = ["init"]

    def onStarted(self):
        slicer.hostProbeCalls.append("started")

class HostProbeWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        super().setup()
        self.logic = HostProbeLogic()
        slicer.hostProbeCalls.append("setup")

    def enter(self):
        slicer.hostProbeCalls.append("enter")

    def exit(self):
        slicer.hostProbeCalls.append("exit")

    def cleanup(self):
        slicer.hostProbeCalls.append("cleanup")

class HostProbeLogic(ScriptedLoadableModuleLogic):
    pass
"""


@pytest.fixture
def a_module_folder(tmp_path: Path) -> Path:
    """A folder with the module HostProbe, which notes its calls in ``slicer.hostProbeCalls``."""
    (tmp_path / "HostProbe.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def test_a_picture_is_loaded_as_the_application_does(a_slicer: ModuleType) -> None:
    node = a_slicer.util.loadVolume(DEMO / "dermoscopy.jpg", {"singleFile": True})
    voxels = a_slicer.util.arrayFromVolume(node)
    matrix = a_slicer.util.arrayFromVTKMatrix(_ijkToRas(node))
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert voxels.shape[0] == 1
    assert voxels.shape[3] == 3
    np.testing.assert_array_equal(matrix, np.diag([-1, -1, 1, 1]))


def test_a_volume_is_loaded_and_shown(a_slicer: ModuleType) -> None:
    node = a_slicer.util.loadVolume(str(DEMO / "hippocampus_mri.nii.gz"))
    assert node.GetClassName() == "vtkMRMLScalarVolumeNode"
    manager = a_slicer.app.layoutManager()
    assert tuple(manager.sliceViewNames()) == ("Red", "Green", "Yellow")
    for name in manager.sliceViewNames():
        widget = manager.sliceWidget(name)
        assert widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() == node.GetID()
        assert widget.mrmlSliceNode().GetName() == name


def test_a_missing_file_is_an_error(a_slicer: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"nothing\.nrrd"):
        a_slicer.util.loadVolume(tmp_path / "nothing.nrrd")


def test_slice_views_draw_image_and_segment(a_slicer: ModuleType) -> None:
    volume = a_slicer.util.addVolumeFromArray(np.full((5, 40, 40), 100, np.uint8), name="CT")
    a_slicer.util.setSliceViewerLayers(background=volume, fit=True)
    segmentation = a_slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment_id = segmentation.GetSegmentation().AddEmptySegment("", "liver", (1, 0, 0))
    before = a_slicer.app.layoutManager().sliceWidget("Red").sliceView().pixels()
    mask = np.zeros((5, 40, 40), np.uint8)
    mask[:, 10:30, 10:30] = 1
    a_slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, segment_id, volume)
    after = a_slicer.app.layoutManager().sliceWidget("Red").sliceView().pixels()
    height, width, _ = after.shape
    center = after[height // 2, width // 2].astype(int)
    assert center[0] > center[1] + 30
    assert (before != after).any()


def test_without_main_window_there_are_no_views(an_app_without_main_window: ModuleType) -> None:
    slicer = an_app_without_main_window
    assert slicer.util.mainWindow() is None
    assert slicer.app.layoutManager() is None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSliceNode") == 0
    assert slicer.util.loadVolume(DEMO / "breast_ultrasound.jpg") is not None


def test_views_come_back_after_a_time_without_them(a_slicer: ModuleType) -> None:
    slicerhost.startApplication(mainWindow=False)
    slicerhost.startApplication(mainWindow=True)
    scene = a_slicer.mrmlScene
    ids = [scene.GetNthNodeByClass(index, "vtkMRMLSliceNode").GetID() for index in range(3)]
    assert ids == ["vtkMRMLSliceNodeRed", "vtkMRMLSliceNodeGreen", "vtkMRMLSliceNodeYellow"]
    assert scene.GetNumberOfNodesByClass("vtkMRMLSliceDisplayNode") == 3


def test_modules_give_their_logics(a_slicer: ModuleType) -> None:
    for name in ("volumes", "segmentations", "colors", "terminologies", "markups", "subjecthierarchy"):
        assert getattr(a_slicer.modules, name).logic().GetMRMLScene() is a_slicer.mrmlScene
    assert not hasattr(a_slicer.modules, "nosuchmodule")


def test_a_module_lives_as_in_the_application(a_slicer: ModuleType, a_module_folder: Path) -> None:
    widget = slicerhost.loadModule("HostProbe", folder=a_module_folder)
    assert a_slicer.hostProbeCalls == ["init", "started", "setup"]
    assert widget is a_slicer.modules.HostProbeWidget
    assert a_slicer.util.getModuleWidget("HostProbe") is widget
    assert a_slicer.util.getModuleLogic("HostProbe") is widget.logic
    assert widget.resourcePath("UI/x.ui") == str(a_module_folder / "Resources" / "UI" / "x.ui")
    assert not widget.parent.isEntered
    a_slicer.util.selectModule("HostProbe")
    assert widget.parent.isEntered
    assert a_slicer.util.selectedModule() == "HostProbe"
    slicerhost.resetApplication()
    assert a_slicer.hostProbeCalls == ["init", "started", "setup", "enter", "exit", "cleanup"]
    assert not hasattr(a_slicer.modules, "hostprobe")


def test_reload_makes_the_python_half_anew(a_slicer: ModuleType, a_module_folder: Path) -> None:
    widget = slicerhost.loadModule("HostProbe", enter=True, folder=a_module_folder)
    widget.onReload()
    other = a_slicer.util.getModuleWidget("HostProbe")
    assert other is not widget
    assert type(other) is not type(widget)
    assert a_slicer.hostProbeCalls == ["init", "started", "setup", "enter", "cleanup", "setup", "enter"]


def test_parameter_nodes_are_one_a_module(a_slicer: ModuleType, a_module_folder: Path) -> None:
    logic = slicerhost.loadModule("HostProbe", folder=a_module_folder).logic
    node = logic.getParameterNode()
    assert logic.getParameterNode() is node
    assert node.GetSingletonTag() == "HostProbe"
    a_slicer.mrmlScene.Clear(0)
    assert logic.getParameterNode().GetAttribute("ModuleName") == "HostProbe"
    assert len(logic.getAllParameterNodes()) == 1


def test_dialogs_are_recorded_and_answered(a_slicer: ModuleType) -> None:
    qt = importlib.import_module("qt")
    a_slicer.util.errorDisplay("It failed.", detailedText="why")
    dialogs.answerNext(qt.QMessageBox.Cancel, qt.QMessageBox.Yes)
    assert a_slicer.util.confirmOkCancelDisplay("Go on?") is False
    assert a_slicer.util.confirmYesNoDisplay("Really?") is True
    assert dialogs.texts() == ["It failed.", "Go on?", "Really?"]
    with pytest.raises(dialogs.UnexpectedQuestionError, match="Again"):
        a_slicer.util.confirmOkCancelDisplay("Again?")


def test_under_testing_nothing_is_shown_or_asked(a_slicer: ModuleType) -> None:
    """Slicer means to answer questions with yes, but compares its True with the number of a button."""
    qt, util = importlib.import_module("qt"), a_slicer.util
    a_slicer.app.setTestingEnabled(True)
    answers = [ask("Go on?") for ask in (util.confirmOkCancelDisplay, util.confirmYesNoDisplay)]
    assert [*answers, util.confirmRetryCloseDisplay("Again?"), util.errorDisplay("It failed.")] == [False] * 3 + [None]
    assert util.messageBox("Done.") == qt.QMessageBox.Ok
    assert dialogs.texts() == []


def test_errors_without_main_window_show_nothing(an_app_without_main_window: ModuleType) -> None:
    an_app_without_main_window.util.errorDisplay("It failed.")
    assert dialogs.texts() == []


def test_an_error_display_raises_again(a_slicer: ModuleType) -> None:
    with pytest.raises(KeyError), a_slicer.util.tryWithErrorDisplay("Export failed.", waitCursor=True):
        raise KeyError("x")
    assert dialogs.texts() == ["Export failed.\n\n'x'"]


def test_settings_last_until_the_reset(a_slicer: ModuleType) -> None:
    qt = importlib.import_module("qt")
    a_slicer.app.settings().setValue("MedCLIPSeg/Device", "cpu")
    assert qt.QSettings().value("MedCLIPSeg/Device") == "cpu"
    assert a_slicer.util.settingsValue("MedCLIPSeg/Device", "auto") == "cpu"
    assert a_slicer.app.settings().fileName().startswith(a_slicer.app.temporaryPath)
    slicerhost.resetApplication()
    assert a_slicer.util.settingsValue("MedCLIPSeg/Device", "auto") == "auto"


def test_the_reset_leaves_an_empty_scene(a_slicer: ModuleType) -> None:
    before = a_slicer.mrmlScene.GetNumberOfNodes()
    a_slicer.util.loadVolume(DEMO / "breast_ultrasound.jpg")
    a_slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    a_slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().SetOrientation("Sagittal")
    slicerhost.resetApplication()
    red = a_slicer.app.layoutManager().sliceWidget("Red")
    assert a_slicer.mrmlScene.GetNumberOfNodes() == before
    assert red.mrmlSliceNode().GetOrientation() == "Axial"
    assert red.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None


def test_packaging_notes_calls_and_fails_on_demand(a_slicer: ModuleType) -> None:
    requirements = REPOSITORY / "MedCLIPSeg" / "Resources" / "requirements.txt"
    listed = a_slicer.packaging.load_requirements(requirements)
    assert listed
    a_slicer.packaging.pip_ensure(listed, requester="MedCLIPSeg")
    assert packaging.calls[0][1]["requester"] == "MedCLIPSeg"
    packaging.fails = True
    with pytest.raises(subprocess.CalledProcessError):
        a_slicer.util.pip_install("something")


def test_an_older_application_has_no_packaging(a_slicer: ModuleType) -> None:
    namespaces.setPackagingPresent(False)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("slicer.packaging")
    namespaces.setPackagingPresent(True)
    assert importlib.import_module("slicer.packaging") is packaging


def test_the_pytorch_module_comes_and_goes(a_slicer: ModuleType) -> None:
    assert importlib.util.find_spec("PyTorchUtils") is None
    pytorch_utils.put(torch="torch")
    assert importlib.util.find_spec("PyTorchUtils") is not None
    logic, qt = importlib.import_module("PyTorchUtils").PyTorchUtilsLogic(), importlib.import_module("qt")
    dialogs.answerNext(qt.QMessageBox.Ok, qt.QMessageBox.Cancel)
    assert logic.installTorch(askConfirmation=True) == "torch"
    assert logic.installTorch(askConfirmation=True) is None
    assert pytorch_utils.calls == [{"askConfirmation": True}] * 2


def test_extensions_are_noted(a_slicer: ModuleType) -> None:
    qt = importlib.import_module("qt")
    manager: Any = a_slicer.app.extensionsManagerModel()
    dialogs.answerNext(qt.QMessageBox.No, qt.QMessageBox.Yes)
    assert not manager.installExtensionFromServer("PyTorch", False)
    assert not manager.isExtensionInstalled("PyTorch")
    assert manager.installExtensionFromServer("PyTorch", False)
    assert manager.isExtensionInstalled("PyTorch")
    assert manager.installs == ["PyTorch"]


def test_samples_are_registered_once_and_load(a_slicer: ModuleType) -> None:
    logic = importlib.import_module("SampleData").SampleDataLogic
    for _time in range(2):
        logic.registerCustomSampleDataSource(
            category="Test", sampleName="Skin", uris=(DEMO / "dermoscopy.jpg").as_uri(), nodeNames="Skin"
        )
    assert [source.sampleName for source in sample_data.sources["Test"]] == ["Skin"]
    assert logic.downloadSample("Skin").GetName() == "Skin"


@pytest.mark.parametrize("name", ["scene.mrml", "scene.mrb"])
def test_a_scene_is_saved_and_loaded(a_slicer: ModuleType, tmp_path: Path, name: str) -> None:
    volume = a_slicer.util.addVolumeFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4), name="CT")
    assert a_slicer.util.saveNode(volume, str(tmp_path / "CT.nrrd"), {})
    assert a_slicer.util.saveScene(str(tmp_path / name), {})
    a_slicer.mrmlScene.Clear(0)
    assert a_slicer.util.loadScene(str(tmp_path / name), {}) is None
    np.testing.assert_array_equal(a_slicer.util.arrayFromVolume(a_slicer.util.getNode("CT")).ravel(), np.arange(24))


def _ijkToRas(node: Any) -> Any:
    vtk = importlib.import_module("vtk")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix
