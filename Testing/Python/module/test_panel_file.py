"""The ``.ui`` file and the code that uses it agree."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

MODULE = Path(__file__).resolve().parents[3] / "MedCLIPSeg"
PANEL = MODULE / "Resources" / "UI" / "MedCLIPSeg.ui"


@pytest.fixture(scope="module")
def root() -> ElementTree.Element:
    return ElementTree.parse(PANEL).getroot()


def names(root: ElementTree.Element, *tags: str) -> list[str]:
    return [element.attrib["name"] for tag in tags for element in root.iter(tag)]


def test_root_hands_the_scene_on(root: ElementTree.Element) -> None:
    top = root.find("widget")
    assert top is not None
    assert top.attrib["class"] == "qMRMLWidget"
    mrml_widgets = {
        element.attrib["name"] for element in top.iter("widget") if element.attrib["class"].startswith("qMRML")
    }
    connected = {
        connection.findtext("receiver")
        for connection in root.iter("connection")
        if connection.findtext("sender") == top.attrib["name"]
        and connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    }
    assert connected == mrml_widgets - {top.attrib["name"]}


def test_names_are_unique_identifiers(root: ElementTree.Element) -> None:
    found = names(root, "widget", "layout", "spacer")
    assert [name for name, count in Counter(found).items() if count > 1] == []
    assert all(name.isidentifier() for name in found)


def test_code_uses_widgets_that_exist(root: ElementTree.Element) -> None:
    used = {
        node.attr
        for path in MODULE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("ui", "self.ui", "self._ui")
    }
    assert used
    assert used <= set(names(root, "widget"))


def test_colors_and_fonts_are_left_to_the_theme(root: ElementTree.Element) -> None:
    properties = {element.attrib["name"] for element in root.iter("property")}
    assert not properties & {"styleSheet", "font", "palette"}
    for path in MODULE.rglob("*.py"):
        assert "styleSheet" not in path.read_text(encoding="utf-8"), path.name


def test_bound_widgets_name_parameters(root: ElementTree.Element, module: ModuleType) -> None:
    bound = [
        element.findtext("string")
        for element in root.iter("property")
        if element.attrib["name"] == "SlicerParameterName"
    ]
    assert sorted(bound) == ["inputVolume", "prompt"]
    assert set(bound) <= set(module.MedCLIPSegParameterNode.parameters)


def test_label_maps_are_not_offered(root: ElementTree.Element) -> None:
    (selector,) = (element for element in root.iter("widget") if element.attrib["class"] == "qMRMLNodeComboBox")
    values = {element.attrib["name"]: element for element in selector.findall("property")}
    assert values["showChildNodeTypes"].findtext("bool") == "false"
    assert [item.text for item in values["nodeTypes"].iter("string")] == [
        "vtkMRMLScalarVolumeNode",
        "vtkMRMLVectorVolumeNode",
    ]


def test_typed_text_is_not_read_as_markup(root: ElementTree.Element) -> None:
    (label,) = (element for element in root.iter("widget") if element.attrib["name"] == "statusLabel")
    values = {element.attrib["name"]: element.findtext("enum") for element in label.findall("property")}
    assert values["textFormat"] == "Qt::PlainText"


def test_translatable_texts_are_not_f_strings() -> None:
    for path in MODULE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}"


def test_tab_order_names_widgets(root: ElementTree.Element) -> None:
    assert {element.text for element in root.iter("tabstop")} <= set(names(root, "widget"))
