"""The CTK widgets a panel uses, written for PySide."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QEvent, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)


class ctkCollapsibleButton(QWidget):
    """A header that shows and hides what lies below it."""

    clicked = Signal(bool)
    toggled = Signal(bool)
    contentsCollapsed = Signal(bool)
    HEADER = 24

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._collapsed = "", False
        self._hidden: list[QWidget] = []
        self.setContentsMargins(0, self.HEADER, 0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def getText(self) -> str:
        return self._text

    def setText(self, text: str) -> None:
        self._text = text
        self.update()

    def isCollapsed(self) -> bool:
        return self._collapsed

    @Slot(bool)
    def setCollapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        for child in self.children():
            if not isinstance(child, QWidget):
                continue
            if collapsed and not child.isHidden():
                self._hidden.append(child)
                child.hide()
        if not collapsed:
            for child in self._hidden:
                child.show()
            self._hidden = []
        self.setMaximumHeight(self.HEADER if collapsed else 16777215)
        self.updateGeometry()
        self.toggled.emit(not collapsed)
        self.contentsCollapsed.emit(collapsed)

    def childEvent(self, event: Any) -> None:
        super().childEvent(event)
        if self._collapsed and event.type() == QEvent.Type.ChildPolished and isinstance(event.child(), QWidget):
            self._hidden.append(event.child())
            event.child().hide()

    def mousePressEvent(self, event: Any) -> None:
        if event.position().y() < self.HEADER:
            self.setCollapsed(not self._collapsed)
            self.clicked.emit(not self._collapsed)

    def keyPressEvent(self, event: Any) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.setCollapsed(not self._collapsed)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: Any) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = self.rect()
        option.rect.setHeight(self.HEADER - 2)
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QStyle.PrimitiveElement.PE_IndicatorArrowRight
        if not self._collapsed:
            arrow = QStyle.PrimitiveElement.PE_IndicatorArrowDown
        place = QStyleOptionButton()
        place.initFrom(self)
        place.rect = option.rect.adjusted(6, 6, 0, -6)
        place.rect.setWidth(place.rect.height())
        painter.drawPrimitive(arrow, place)
        text = option.rect.adjusted(24, 0, -4, 0)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawItemText(text, int(flags), self.palette(), self.isEnabled(), self._text, self.foregroundRole())

    text = Property(str, getText, setText)
    collapsed = Property(bool, isCollapsed, setCollapsed)


class ctkSliderWidget(QWidget):
    """A slider with a spin box for decimal numbers."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    STEPS = 10000

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider, self._spinBox = QSlider(Qt.Orientation.Horizontal, self), QDoubleSpinBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._spinBox)
        self._pageStep = 10.0
        self._tracking = True
        self._spinBox.setRange(0, 99)
        self._slider.setRange(0, self.STEPS)
        self._slider.setMinimumWidth(40)
        self._slider.valueChanged.connect(self._onSlider)
        self._spinBox.valueChanged.connect(self._onSpinBox)

    def _onSlider(self, position: int) -> None:
        low, high = self._spinBox.minimum(), self._spinBox.maximum()
        self._spinBox.setValue(low + (high - low) * position / self.STEPS)

    def _onSpinBox(self, value: float) -> None:
        self._place()
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def _place(self) -> None:
        low, high = self._spinBox.minimum(), self._spinBox.maximum()
        was = self._slider.blockSignals(True)
        share = (self._spinBox.value() - low) / (high - low) if high > low else 0
        self._slider.setValue(round(share * self.STEPS))
        self._slider.blockSignals(was)

    @Slot(float)
    def setValue(self, value: float) -> None:
        self._spinBox.setValue(value)

    def setMinimum(self, value: float) -> None:
        self._spinBox.setMinimum(value)
        self._place()

    def setMaximum(self, value: float) -> None:
        self._spinBox.setMaximum(value)
        self._place()

    def setDecimals(self, count: int) -> None:
        self._spinBox.setDecimals(count)

    def setSingleStep(self, step: float) -> None:
        self._spinBox.setSingleStep(step)

    def setPageStep(self, step: float) -> None:
        self._pageStep = step

    def setSuffix(self, text: str) -> None:
        self._spinBox.setSuffix(text)

    def setTracking(self, on: bool) -> None:
        self._tracking = on

    value = Property(float, lambda self: self._spinBox.value(), setValue)
    minimum = Property(float, lambda self: self._spinBox.minimum(), setMinimum)
    maximum = Property(float, lambda self: self._spinBox.maximum(), setMaximum)
    decimals = Property(int, lambda self: self._spinBox.decimals(), setDecimals)
    singleStep = Property(float, lambda self: self._spinBox.singleStep(), setSingleStep)
    pageStep = Property(float, lambda self: self._pageStep, setPageStep)
    suffix = Property(str, lambda self: self._spinBox.suffix(), setSuffix)
    tracking = Property(bool, lambda self: self._tracking, setTracking)


class ctkDirectoryButton(QPushButton):
    """A button that shows a folder and asks for another."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._directory = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._ask)

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "", self._directory)
        if chosen:
            self.setDirectory(chosen)
            self.directorySelected.emit(chosen)

    def setDirectory(self, directory: str) -> None:
        if directory != self._directory:
            self._directory = directory
            self.setText(directory)
            self.directoryChanged.emit(directory)

    directory = Property(str, lambda self: self._directory, setDirectory)


WIDGETS: tuple[type[QObject], ...] = (ctkCollapsibleButton, ctkSliderWidget, ctkDirectoryButton)
