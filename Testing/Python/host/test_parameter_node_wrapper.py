"""The host's parameter nodes behave like those of the application."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Annotated, Any

import pytest
import slicer
import vtk
from slicer.parameterNodeWrapper import Choice, Default, Minimum, WithinRange, parameterNodeWrapper


@parameterNodeWrapper
class Parameters:
    image: slicer.vtkMRMLScalarVolumeNode | slicer.vtkMRMLVectorVolumeNode | None
    segmentation: slicer.vtkMRMLSegmentationNode
    text: str
    words: list[str]
    isShown: bool = True
    count: Annotated[int, WithinRange(1, 100)] = 30
    share: Annotated[float, WithinRange(0, 1)] = 0.5
    rule: Annotated[str, Choice(["one", "two"])] = "one"
    numbers: Annotated[list[int], Default(generator=lambda: [1, 2])]


@pytest.fixture
def a_node(a_slicer: ModuleType) -> Any:
    return a_slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")


def test_defaults_are_written_as_text(a_node: Any) -> None:
    Parameters(a_node)
    assert a_node.GetParameter("count") == "30"
    assert a_node.GetParameter("share") == "0.5"
    assert a_node.GetParameter("isShown") == "True"
    assert a_node.HasParameter("text")
    assert a_node.GetNodeReferenceID("image") is None


def test_stored_values_win_over_defaults(a_node: Any) -> None:
    a_node.SetParameter("count", "7")
    a_node.SetParameter("isShown", "False")
    parameters = Parameters(a_node)
    assert parameters.count == 7
    assert parameters.isShown is False


def test_nodes_are_kept_as_references(a_node: Any) -> None:
    parameters = Parameters(a_node)
    volume = a_node.GetScene().AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    parameters.image = volume
    assert a_node.GetNodeReferenceID("image") == volume.GetID()
    assert parameters.image is volume
    a_node.GetScene().RemoveNode(volume)
    assert parameters.image is None


def test_lists_are_stored_when_changed_in_place(a_node: Any) -> None:
    parameters = Parameters(a_node)
    assert parameters.numbers == [1, 2]
    parameters.words.append("liver")
    assert Parameters(a_node).words == ["liver"]
    parameters.words.clear()
    assert Parameters(a_node).words == []


def test_wrong_values_are_refused_and_nothing_changes(a_node: Any) -> None:
    for name, value, error in [
        ("count", 0, ValueError),
        ("count", "3", TypeError),
        ("share", 1.5, ValueError),
        ("rule", "three", ValueError),
        ("isShown", 1, TypeError),
        ("text", None, TypeError),
        ("segmentation", "a text", TypeError),
        ("notThere", 1, AttributeError),
    ]:
        parameters = Parameters(a_node)
        before = {key: parameters.getValue(key) for key in parameters.allParameters}
        with pytest.raises(error):
            setattr(parameters, name, value)
        assert {key: parameters.getValue(key) for key in parameters.allParameters} == before


def test_modified_is_called_only_for_other_values(a_node: Any) -> None:
    parameters = Parameters(a_node)
    calls: list[Any] = []
    tag = parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, _event: calls.append(caller))
    parameters.count = 30
    assert calls == []
    parameters.count = 31
    assert calls == [a_node]
    parameters.RemoveObserver(tag)
    parameters.count = 32
    assert len(calls) == 1


def test_a_closed_scene_loses_values_until_wrapped_again(a_slicer: ModuleType) -> None:
    node = a_slicer.vtkMRMLScriptedModuleNode()
    node.SetSingletonTag("Test")
    node = a_slicer.mrmlScene.AddNode(node)
    Parameters(node).count = 5
    a_slicer.mrmlScene.Clear(0)
    assert Parameters(node).count == 30


def test_types_nothing_can_keep_are_refused() -> None:
    for annotation in [dict[str, int], int | str, slicer.vtkMRMLScalarVolumeNode | int]:
        with pytest.raises(ValueError, match="serializer"):
            parameterNodeWrapper(type("Wrong", (), {"__annotations__": {"value": annotation}}))


def test_wrong_defaults_are_refused() -> None:
    for annotation, default, words in [
        (list[int], [1], "mutable"),
        (Annotated[int, Minimum(3)], 2, "greater"),
        (Annotated[int, Default(1)], 2, "two defaults"),
    ]:
        with pytest.raises(ValueError, match=words):
            parameterNodeWrapper(type("Wrong", (), {"__annotations__": {"value": annotation}, "value": default}))


def test_reserved_names_are_refused() -> None:
    with pytest.raises(ValueError, match="reserved"):
        parameterNodeWrapper(type("Wrong", (), {"__annotations__": {"default": int}}))


@pytest.fixture
def a_gui() -> Any:
    import ctk
    import qt

    widgets = {
        "countBox": (qt.QSpinBox(), "count"),
        "shareSlider": (ctk.ctkSliderWidget(), "share"),
        "shownBox": (qt.QCheckBox(), "isShown"),
        "textEdit": (qt.QLineEdit(), "text"),
        "ruleBox": (qt.QComboBox(), "rule"),
        "imageBox": (slicer.qMRMLNodeComboBox(), "image"),
        "label": (qt.QLabel(), None),
    }
    for widget, name in widgets.values():
        if name is not None:
            widget.setProperty("SlicerParameterName", name)
    gui = SimpleNamespace(**{name: widget for name, (widget, _parameter) in widgets.items()})
    gui.imageBox.noneEnabled = True
    gui.imageBox.setMRMLScene(slicer.mrmlScene)
    return gui


def test_widgets_take_values_and_limits_from_the_node(a_node: Any, a_gui: Any) -> None:
    volume = a_node.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    parameters = Parameters(a_node)
    parameters.image, parameters.text, parameters.rule = volume, "liver", "two"
    parameters.connectGui(a_gui)
    assert (a_gui.countBox.minimum, a_gui.countBox.maximum, a_gui.countBox.value) == (1, 100, 30)
    assert (a_gui.shareSlider.minimum, a_gui.shareSlider.maximum, a_gui.shareSlider.value) == (0, 1, 0.5)
    assert a_gui.shownBox.checked
    assert a_gui.textEdit.text == "liver"
    assert a_gui.ruleBox.currentText == "two"
    assert a_gui.imageBox.currentNode() is volume
    assert tuple(a_gui.imageBox.nodeTypes) == ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode")


def test_widgets_and_node_follow_each_other_until_disconnected(a_node: Any, a_gui: Any) -> None:
    volume = a_node.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    parameters = Parameters(a_node)
    tag = parameters.connectGui(a_gui)
    a_gui.countBox.value, a_gui.shareSlider.value, a_gui.shownBox.checked = 8, 0.25, False
    a_gui.textEdit.text, a_gui.ruleBox.currentIndex = "spleen", 1
    a_gui.imageBox.setCurrentNode(volume)
    assert (parameters.count, parameters.share, parameters.isShown) == (8, 0.25, False)
    assert (parameters.text, parameters.rule, parameters.image) == ("spleen", "two", volume)
    parameters.count, parameters.image = 9, None
    assert (a_gui.countBox.value, a_gui.imageBox.currentNode()) == (9, None)
    parameters.disconnectGui(tag)
    a_gui.countBox.value = 10
    assert parameters.count == 9
    parameters.count = 11
    assert a_gui.countBox.value == 10


def test_unknown_parameters_and_widgets_are_refused(a_node: Any, a_gui: Any) -> None:
    import qt

    parameters = Parameters(a_node)
    with pytest.raises(ValueError, match="nowhere"):
        parameters.connectParametersToGui({"nowhere": a_gui.countBox})
    with pytest.raises(RuntimeError, match="QPlainTextEdit"):
        parameters.connectParametersToGui({"text": qt.QPlainTextEdit()})
    with pytest.raises(RuntimeError, match="Choice"):
        parameters.connectParametersToGui({"text": a_gui.ruleBox})
