"""The panel opens, is left, is closed and is reloaded, with and without a main window."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import slicerhost
from slicerhost import sample_data
from slicerhost.start import REPOSITORY

DEMO = REPOSITORY / "MedCLIPSegLogic" / "Resources" / "Demo"


def test_the_panel_opens_with_every_section(a_module_widget: Any) -> None:
    panel = a_module_widget.panel
    assert len(panel._sections) >= 11
    assert a_module_widget.logic.parameters is not None
    assert a_module_widget.logic.volumeNode is None
    assert not a_module_widget.ui.runButton.enabled


def test_an_empty_panel_offers_images_and_things_to_ask_for_and_no_more(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    widgets = {name: each for name, each in vars(ui).items() if hasattr(each, "isVisibleTo")}
    shown = {name for name, widget in widgets.items() if widget.isVisibleTo(ui.MedCLIPSeg)}
    assert {"loadImageButton", "inputVolumeSelector", "promptLineEdit", "knownThingsTable", "runButton"} <= shown
    for part in ("scope", "plane", "intensity", "threshold", "review", "correct", "export"):
        assert not [name for name in shown if name.startswith(part)]


def test_the_panel_opens_without_main_window(an_app_without_main_window: ModuleType) -> None:
    widget = slicerhost.loadModule("MedCLIPSeg", enter=True)
    assert widget.logic.parameters is not None
    node = an_app_without_main_window.util.loadVolume(DEMO / "breast_ultrasound.jpg")
    widget.exit()
    widget.enter()
    assert widget.logic.volumeNode is node


def test_nothing_heavy_is_imported_to_open_it(a_slicer: ModuleType) -> None:
    before = set(sys.modules)
    slicerhost.loadModule("MedCLIPSeg", enter=True)
    added = {name.partition(".")[0] for name in set(sys.modules) - before}
    assert not added & {"torch", "timm", "open_clip", "transformers", "torchvision"}


def test_a_loaded_image_is_chosen(a_slicer: ModuleType, a_module_widget: Any, pump: Callable[..., None]) -> None:
    node = a_slicer.util.loadVolume(DEMO / "breast_ultrasound.jpg")
    pump(lambda: a_module_widget.logic.volumeNode is not None)
    assert a_module_widget.logic.volumeNode is node
    assert a_module_widget.ui.inputVolumeSelector.currentNode() is node


def test_leaving_and_coming_back_keeps_the_choices(a_slicer: ModuleType, a_module_widget: Any) -> None:
    for times in [1, 3]:
        a_module_widget.logic.parameters.sampleCount = 12
        for _time in range(times):
            a_slicer.util.selectModule("Volumes")
            assert not a_module_widget.parent.isEntered
            a_slicer.util.selectModule("MedCLIPSeg")
        assert a_module_widget.ui.sampleCountSpinBox.value == 12
        a_module_widget.ui.sampleCountSpinBox.value = 13
        assert a_module_widget.logic.parameters.sampleCount == 13


def test_a_left_panel_does_not_follow_the_node(a_slicer: ModuleType, a_module_widget: Any) -> None:
    parameters = a_module_widget.logic.parameters
    parameters.sampleCount = 12
    a_slicer.util.selectModule("Volumes")
    parameters.sampleCount = 14
    assert a_module_widget.ui.sampleCountSpinBox.value == 12


def test_closing_the_scene_starts_anew(a_slicer: ModuleType, a_module_widget: Any) -> None:
    a_module_widget.logic.parameters.sampleCount = 12
    a_slicer.util.loadVolume(DEMO / "breast_ultrasound.jpg")
    a_slicer.mrmlScene.Clear(0)
    assert a_module_widget.logic.volumeNode is None
    assert a_module_widget.logic.parameters.sampleCount == 30
    assert a_module_widget.ui.sampleCountSpinBox.value == 30


def test_a_scene_closed_elsewhere_is_found_empty(a_slicer: ModuleType, a_module_widget: Any) -> None:
    a_module_widget.logic.parameters.sampleCount = 12
    a_slicer.util.selectModule("Volumes")
    a_slicer.mrmlScene.Clear(0)
    assert a_module_widget.logic.parameters is None
    a_slicer.util.selectModule("MedCLIPSeg")
    assert a_module_widget.logic.parameters.sampleCount == 30


def test_reload_gives_a_working_panel(a_slicer: ModuleType, a_module_widget: Any, pump: Callable[..., None]) -> None:
    a_module_widget.onReload()
    reloaded = a_slicer.util.getModuleWidget("MedCLIPSeg")
    assert reloaded is not a_module_widget
    assert a_module_widget.panel is None
    assert type(reloaded.logic) is not type(a_module_widget.logic)
    node = a_slicer.util.loadVolume(DEMO / "breast_ultrasound.jpg")
    pump(lambda: reloaded.logic.volumeNode is node)
    reloaded.ui.sampleCountSpinBox.value = 9
    assert reloaded.logic.parameters.sampleCount == 9


def test_cleanup_lets_the_scene_go(a_slicer: ModuleType, a_module_widget: Any) -> None:
    parameters = a_module_widget.logic.parameters
    a_slicer.util.selectModule("Volumes")
    a_module_widget.cleanup()
    assert a_module_widget.panel is None
    a_slicer.util.loadVolume(DEMO / "breast_ultrasound.jpg")
    parameters.sampleCount = 15
    a_slicer.mrmlScene.Clear(0)
    a_module_widget.cleanup()


def test_a_module_that_was_never_opened_is_cleaned_up(a_slicer: ModuleType) -> None:
    widget = slicerhost.loadModule("MedCLIPSeg")
    slicerhost.resetApplication()
    assert widget.panel is None


def test_the_samples_are_offered(a_module_widget: Any) -> None:
    offered = sample_data.sources["MedCLIPSeg"]
    assert len(offered) == 9
    assert all(source.checksums.startswith("SHA256:") for source in offered)


def test_the_panel_fits_into_300_pixels(a_slicer: ModuleType, a_module_widget: Any) -> None:
    for name in dir(a_module_widget.ui):
        if name.endswith("CollapsibleButton"):
            getattr(a_module_widget.ui, name).collapsed = False
    a_slicer.app.processEvents()
    assert a_module_widget.parent.minimumSizeHint.width() <= 300


def test_every_widget_has_an_owner(a_slicer: ModuleType, a_module_widget: Any) -> None:
    before = len(a_slicer.app.topLevelWidgets())
    a_slicer.util.selectModule("Volumes")
    a_slicer.util.selectModule("MedCLIPSeg")
    assert len(a_slicer.app.topLevelWidgets()) == before
