"""The little of Qt the panel touches, driven by hand instead of an event loop."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar


class QTimer:
    """Fires when `turn_event_loop` is called."""

    active: ClassVar[list[QTimer]] = []

    def __init__(self) -> None:
        self.interval: int | None = None
        self._slots: list[Callable[[], None]] = []

    def setInterval(self, milliseconds: int) -> None:
        self.interval = milliseconds

    def connect(self, signal: str, slot: Callable[[], None]) -> bool:
        assert signal == "timeout()"
        self._slots.append(slot)
        return True

    def start(self) -> None:
        if self not in QTimer.active:
            QTimer.active.append(self)

    def stop(self) -> None:
        if self in QTimer.active:
            QTimer.active.remove(self)

    def fire(self) -> None:
        for slot in self._slots:
            slot()


def turn_event_loop(turns: int = 1000) -> None:
    """Fire every running timer once a turn, until none runs."""
    for _turn in range(turns):
        if not QTimer.active:
            return
        for timer in list(QTimer.active):
            timer.fire()


class Widget:
    """A widget as PythonQt shows it: properties are attributes, unknown ones are errors, signals go by signature."""

    PROPERTIES: ClassVar[dict[str, dict[str, Any]]] = {
        "QPushButton": {"text": "", "enabled": True},
        "QLineEdit": {"text": ""},
        "QLabel": {"text": ""},
        "QProgressBar": {"value": 0, "maximum": 100, "visible": True},
    }
    SIGNALS: ClassVar[dict[str, set[str]]] = {
        "QPushButton": {"clicked(bool)"},
        "QLineEdit": {"textChanged(QString)"},
    }

    def __init__(self, class_name: str, **values: Any) -> None:
        self.__dict__["_class"] = class_name
        self.__dict__["_slots"] = {}
        known = self.PROPERTIES.get(class_name, {})
        self.__dict__.update(known | {name: value for name, value in values.items() if name in known})

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.PROPERTIES.get(self._class, {}), f"{self._class} has no property {name}"
        assert isinstance(value, type(self.__dict__[name])), f"{name} does not take {value!r}"
        self.__dict__[name] = value

    def connect(self, signal: str, slot: Callable[[], None]) -> bool:
        assert signal in self.SIGNALS.get(self._class, set()), f"{self._class} has no signal {signal}"
        self._slots.setdefault(signal, []).append(slot)
        return True

    def emit(self, signal: str) -> None:
        for slot in self._slots.get(signal, []):
            slot()


class UiWidget:
    """A loaded ``.ui`` file."""

    def __init__(self, path: Path) -> None:
        self.scene: Any = None
        self.children: dict[str, Widget] = {}
        for element in ElementTree.parse(path).iter("widget"):
            values = {child.attrib["name"]: _value(child) for child in element.findall("property")}
            self.children[element.attrib["name"]] = Widget(element.attrib["class"], **values)

    def setMRMLScene(self, scene: Any) -> None:
        self.scene = scene


def _value(element: ElementTree.Element) -> Any:
    (value,) = element
    if value.tag == "bool":
        return value.text == "true"
    return int(value.text or 0) if value.tag == "number" else (value.text or "")
