"""CTK widgets of the host."""

from __future__ import annotations

import ctk
import qt


def test_a_collapsed_button_hides_its_contents_and_shows_them_again() -> None:
    button = ctk.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(button)
    shown, hidden = qt.QLabel("a"), qt.QLabel("b")
    layout.addWidget(shown)
    layout.addWidget(hidden)
    hidden.hide()
    states: list[bool] = []
    button.connect("contentsCollapsed(bool)", states.append)
    button.show()
    button.collapsed = True
    assert not shown.visible
    button.collapsed = False
    assert shown.visible
    assert not hidden.visible
    assert states == [True, False]


def test_a_slider_widget_keeps_to_its_range_and_tells_of_changes_once() -> None:
    slider = ctk.ctkSliderWidget()
    slider.decimals, slider.minimum, slider.maximum, slider.singleStep = 2, 0.05, 0.95, 0.05
    values: list[float] = []
    slider.connect("valueChanged(double)", values.append)
    slider.value = 0.5
    slider.value = 0.5
    slider.value = 7
    assert values == [0.5, 0.95]


def test_a_directory_button_tells_of_another_folder_once() -> None:
    button = ctk.ctkDirectoryButton()
    told: list[str] = []
    button.connect("directoryChanged(QString)", told.append)
    button.directory = "/somewhere"
    button.directory = "/somewhere"
    assert (button.directory, told) == ("/somewhere", ["/somewhere"])
