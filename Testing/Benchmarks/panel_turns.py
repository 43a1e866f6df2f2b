"""How long the panel stands still: the longest turn of the event loop in the first run, the next one, an export and a
reload. Run as a script in a fresh process, it prints seconds as JSON; ``--busy 2`` lets other processes compete.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (60, 200, 200)
BOXES = ("Segmentation", "Nifti", "Nrrd", "Surface", "Maps")
PROMPTS = ("tumor in the brain MRI", "polyp")


def panel_turns() -> dict[str, dict[str, float]]:
    """Open the panel and use it.

    Returns:
        For "first_run" (with the import of PyTorch), "run", "export" and "reload": ``longest`` turn of the event loop
        and ``whole`` time in seconds.
    """
    import pythonqt
    import slicer
    import slicerhost
    from PySide6.QtCore import QTimer

    slicerhost.startApplication()
    widget = slicerhost.loadModule("MedCLIPSeg", enter=True)
    voxels = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.int16)
    slicer.util.setSliceViewerLayers(background=slicer.util.addVolumeFromArray(voxels, name="ct"), fit=True)
    parameters, ui = widget.logic.parameters, widget.ui
    parameters.sampleCount, parameters.adaptive, parameters.scope = 2, False, "slice"
    widget.logic.rows.add(PROMPTS)
    pythonqt.processEvents(500)

    def timed(work: Callable[[], Any], is_done: Callable[[], bool]) -> dict[str, float]:
        turns = [time.monotonic()]
        clock = QTimer()
        clock.timeout.connect(lambda: turns.append(time.monotonic()))
        clock.start(0)
        work()
        pythonqt.runEventLoop(is_done, 600)
        pythonqt.processEvents(50)
        clock.stop()
        return {"longest": float(np.diff(turns).max()), "whole": turns[-1] - turns[0]}

    def run() -> dict[str, float]:
        return timed(ui.runButton.click, lambda: not widget.logic.isRunning)

    found = {"first_run": run(), "run": run()}
    for box in BOXES:
        getattr(ui, f"export{box}CheckBox").checked = True
    pythonqt.processEvents(50)
    with tempfile.TemporaryDirectory() as folder:
        ui.exportFolderButton.directory = folder
        found["export"] = timed(ui.exportButton.click, lambda: (Path(folder) / "export.json").exists())
    found["reload"] = timed(widget.onReload, lambda: True)
    failed = list(pythonqt.lostErrors)
    slicerhost.resetApplication()
    assert not failed, failed
    return found


def in_a_fresh_process(busy: int = 0) -> dict[str, dict[str, float]]:
    """`panel_turns` where nothing has been imported yet, beside so many busy processes."""
    idle = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _number in range(busy)]
    try:
        command = [sys.executable, str(Path(__file__).resolve())]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        for process in idle:
            process.kill()
            process.wait()
    found: dict[str, dict[str, float]] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=0, help="processes that compete for the processor")
    busy = parser.parse_args().busy
    if busy:
        print(json.dumps(in_a_fresh_process(busy)))
        return
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root / folder) for folder in ("MedCLIPSeg", "Testing/Host", "")]
    print(json.dumps(panel_turns()))


if __name__ == "__main__":
    main()
