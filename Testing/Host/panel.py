"""Shows the panel in the test host, or writes a picture of it.

Usage: python Testing/Host/panel.py [--screenshot FILE] [--scenario NAME] [--model FOLDER] [--dark] [--width 300]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))


def main(arguments: list[str] | None = None) -> int:
    """Open the panel in a situation; return 0, or 1 when exceptions left slots or observers."""
    options = _options(arguments)
    if options.screenshot is not None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import pythonqt
    import slicer
    import slicerhost
    from scenarios import SCENARIOS, waitUntil

    slicerhost.startApplication()
    _setTheme(options.dark)
    window = pythonqt.unwrap(slicer.util.mainWindow())
    window.hostSetPanelWidth(options.width)
    window.resize(options.width + 800, options.height)
    widget = slicerhost.loadModule("MedCLIPSeg", enter=True)
    if options.model is not None:
        widget.logic.parameters.model = str(options.model)
    SCENARIOS[options.scenario](widget)
    pythonqt.processEvents(200)
    slicerhost.renderViews()
    if options.screenshot is None:
        pythonqt.runEventLoop(lambda: not window.isVisible(), 24 * 3600)
    else:
        options.screenshot.parent.mkdir(parents=True, exist_ok=True)
        _picture(window, options.full).save(str(options.screenshot))
    # A thread inside PyTorch must not outlive the interpreter.
    widget.logic.cancel()
    waitUntil(lambda: not widget.logic.isRunning)
    slicerhost.resetApplication()
    return 1 if pythonqt.lostErrors else 0


def _picture(window: Any, isFull: bool) -> Any:
    """Grab the window, or the whole panel, which may be higher than the window."""
    frame = window.hostShownFrame()
    if not isFull:
        return window.grab()
    frame.resize(frame.width(), max(frame.sizeHint().height(), frame.height()))
    return frame.grab()


def _setTheme(isDark: bool) -> None:
    from PySide6.QtGui import QColor, QPalette
    from PySide6.QtWidgets import QApplication

    QApplication.setStyle("Fusion")
    if not isDark:
        return
    palette = QPalette(QColor(53, 53, 53), QColor(42, 42, 42))
    palette.setColor(QPalette.ColorRole.Base, QColor(30, 30, 30))
    palette.setColor(QPalette.ColorRole.AlternateBase, QColor(45, 45, 45))
    QApplication.setPalette(palette)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    names = (
        *("fresh", "running", "result", "not-understood", "foreign-image", "doubtful-place", "builder", "known-model"),
        *("review", "three-planes", "error", "zero-shot", "zero-shot-review"),
    )
    parser = argparse.ArgumentParser(description="Shows the panel of MedCLIPSeg in the test host.")
    parser.add_argument("--screenshot", type=Path, help="write a PNG picture and end")
    parser.add_argument("--scenario", choices=names, default="fresh")
    parser.add_argument("--model", type=Path, help="folder of a model to choose; the default model without")
    parser.add_argument("--dark", action="store_true", help="dark theme")
    parser.add_argument("--width", type=int, default=300, help="of the panel in pixels")
    parser.add_argument("--height", type=int, default=1000, help="of the window in pixels")
    parser.add_argument("--full", action="store_true", help="picture of the whole panel without the views")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
