"""Widgets that show parameters; on widgets as product code sees them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from slicerhost.parameternode.annotations import Choice, Decimals, Maximum, Minimum, SingleStep, WithinRange
from slicerhost.parameternode.serializers import NodeSerializer
from slicerhost.parameternode.wrapper import Parameter


class Connector:
    """Shows and reads one parameter in a widget.

    Args:
        widget: the widget.
        parameter: the parameter it shows.
    """

    signal = ""

    def __init__(self, widget: Any, parameter: Parameter) -> None:
        self._widget = widget
        self._parameter = parameter
        self._slot: Callable[..., None] | None = None
        self.prepare()

    def prepare(self) -> None:
        """Give the widget what the annotation says."""

    def onChanged(self, write: Callable[[], None]) -> None:
        """Call ``write`` whenever the widget changes."""
        self._slot = lambda *_values: write()
        if not self._widget.connect(self.signal, self._slot):
            raise RuntimeError(f"{self._widget.className()} has no signal {self.signal}")

    def offChanged(self) -> None:
        """Undo `onChanged`."""
        if self._slot is not None:
            self._widget.disconnect(self.signal, self._slot)
            self._slot = None

    def write(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    def read(self) -> Any:
        """Return what the widget shows."""
        raise NotImplementedError


class CheckConnector(Connector):
    """Check boxes and buttons that stay pressed."""

    signal = "toggled(bool)"

    def write(self, value: bool) -> None:
        self._widget.checked = value

    def read(self) -> bool:
        return self._widget.checked


class NumberConnector(Connector):
    """Spin boxes and sliders; they take their limits from the annotation."""

    signal = "valueChanged(int)"
    needsRange = False

    def prepare(self) -> None:
        within = self._parameter.remark(WithinRange)
        low, high = within or self._parameter.remark(Minimum), within or self._parameter.remark(Maximum)
        if self.needsRange and (low is None or high is None):
            raise RuntimeError(f"{self._widget.className()} needs a WithinRange for {self._parameter.name!r}")
        if low is not None:
            self._widget.minimum = low.minimum
        if high is not None:
            self._widget.maximum = high.maximum
        for remark, name in ((Decimals, "decimals"), (SingleStep, "singleStep")):
            found = self._parameter.remark(remark)
            if found is not None:
                setattr(self._widget, name, found.value)

    def write(self, value: float) -> None:
        self._widget.value = value

    def read(self) -> float:
        return self._widget.value


class SliderConnector(NumberConnector):
    needsRange = True


class DoubleConnector(NumberConnector):
    signal = "valueChanged(double)"


class DoubleSliderConnector(DoubleConnector):
    needsRange = True


class LineConnector(Connector):
    """Lines of text; the cursor stays where it is when nothing differs."""

    signal = "textChanged(QString)"

    def write(self, value: str) -> None:
        if self._widget.text != value:
            self._widget.text = value

    def read(self) -> str:
        return self._widget.text


class LabelConnector(Connector):
    """Labels only show."""

    def onChanged(self, write: Callable[[], None]) -> None:
        pass

    def write(self, value: Any) -> None:
        self._widget.text = str(value)

    def read(self) -> str:
        return self._widget.text


class ComboConnector(Connector):
    """Lists of choices, which the annotation names; the list is filled from it."""

    signal = "currentIndexChanged(int)"

    def prepare(self) -> None:
        choice, kind = self._parameter.remark(Choice), self._parameter.kind
        if choice is not None:
            self._values = list(choice.choices)
        elif isinstance(kind, type) and issubclass(kind, enum.Enum):
            self._values = list(kind)
        else:
            raise RuntimeError(f"QComboBox needs a Choice or an enumeration for {self._parameter.name!r}")
        self._widget.clear()
        for value in self._values:
            self._widget.addItem(value.value if isinstance(value, enum.Enum) else str(value))

    def write(self, value: Any) -> None:
        self._widget.currentIndex = self._values.index(value)

    def read(self) -> Any:
        return self._values[self._widget.currentIndex]


class NodeConnector(Connector):
    """Node selectors, which offer what the annotation names."""

    signal = "currentNodeChanged(vtkMRMLNode*)"

    def prepare(self) -> None:
        serializer = self._parameter.serializer
        if not isinstance(serializer, NodeSerializer):
            raise RuntimeError(f"qMRMLNodeComboBox cannot show {self._parameter.name!r}")
        self._widget.nodeTypes = [kind.__name__ for kind in serializer.kinds]

    def write(self, value: Any) -> None:
        self._widget.setCurrentNode(value)

    def read(self) -> Any:
        return self._widget.currentNode()


CONNECTORS: dict[str, type[Connector]] = {
    "QCheckBox": CheckConnector,
    "QPushButton": CheckConnector,
    "ctkCheckablePushButton": CheckConnector,
    "QSpinBox": NumberConnector,
    "QSlider": SliderConnector,
    "QDoubleSpinBox": DoubleConnector,
    "ctkSliderWidget": DoubleSliderConnector,
    "QLineEdit": LineConnector,
    "QLabel": LabelConnector,
    "QComboBox": ComboConnector,
    "qMRMLNodeComboBox": NodeConnector,
}


def connectorFor(widget: Any, parameter: Parameter) -> Connector:
    """Return a connector.

    Raises:
        RuntimeError: no connector knows this class of widgets, or it lacks an annotation it needs.
    """
    name = widget.className()
    if name not in CONNECTORS:
        raise RuntimeError(f"Unable to find a connector for a widget of class {name} and {parameter.name!r}")
    return CONNECTORS[name](widget, parameter)
