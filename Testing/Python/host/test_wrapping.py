"""Qt objects as PythonQt shows them."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import pythonqt
import qt


def test_derived_classes_have_attributes_and_override_functions_of_qt() -> None:
    class Watched(qt.QWidget):
        def __init__(self, parent: Any = None) -> None:
            super().__init__(parent)
            self.closed = 0

        def closeEvent(self, event: Any) -> None:
            self.closed += 1
            event.accept()

    widget = Watched()
    widget.show()
    widget.close()
    assert widget.closed == 1


def test_an_event_filter_sees_events_with_wrapped_objects() -> None:
    class Filter(qt.QObject):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Any] = []

        def eventFilter(self, target: Any, event: Any) -> bool:
            self.seen.append((target, int(event.type())))
            return False

    watching, widget = Filter(), qt.QLabel("x")
    widget.installEventFilter(watching)
    widget.show()
    assert any(target is widget for target, _kind in watching.seen)
    widget.removeEventFilter(watching)


def test_an_exception_in_an_overridden_function_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    class Bad(qt.QWidget):
        def closeEvent(self, event: Any) -> None:
            raise KeyError("bad")

    widget = Bad()
    widget.show()
    widget.close()
    assert isinstance(pythonqt.lostErrors.pop(), KeyError)
    assert "KeyError" in capsys.readouterr().err


@pytest.mark.parametrize("signature", ["clicked(bool)", "clicked()"])
def test_a_connection_does_not_keep_its_sender_alive(signature: str) -> None:
    ended: list[int] = []
    button = qt.QPushButton()
    button.connect(signature, lambda: None)
    button.connect("destroyed()", lambda: ended.append(1))
    del button
    gc.collect()
    assert ended == [1]


def test_disconnecting_ends_what_was_connected_either_way() -> None:
    heard: list[str] = []
    button = qt.QPushButton()

    def first() -> None:
        heard.append("first")

    def second() -> None:
        heard.append("second")

    button.connect("clicked()", first)
    button.clicked.connect(second)
    assert button.disconnect("clicked()", first)
    assert button.clicked.disconnect(second)
    button.click()
    assert heard == []


def test_a_type_of_connection_is_refused() -> None:
    with pytest.raises(ValueError, match="matching overload"):
        qt.QPushButton().connect("clicked()", lambda: None, qt.Qt.QueuedConnection)


def test_a_wrong_signature_is_false_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert qt.QPushButton().connect("pushed()", lambda: None) is False
    assert "does not exist on QPushButton" in capsys.readouterr().out


def test_wrapping_and_unwrapping_are_each_others_inverse() -> None:
    label = qt.QLabel("x")
    assert pythonqt.wrap(pythonqt.unwrap(label)) is label
