"""Situations of the panel, on the bundled images and the bundled model "mini"."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pythonqt
import slicer
from slicerhost.start import REPOSITORY

DEMO = REPOSITORY / "MedCLIPSegLogic" / "Resources" / "Demo"
RUN_SECONDS = 300.0


@dataclass(frozen=True)
class DemoCase:
    """A bundled image and the prompt that fits it."""

    name: str
    image: Path
    prompt: str
    plane: str


def demoCase(name: str) -> DemoCase:
    """Return a bundled case by name (StopIteration when there is none)."""
    cases = json.loads((DEMO / "cases.json").read_text(encoding="utf-8"))
    case = next(case for case in cases if case["name"] == name)
    return DemoCase(name, DEMO / case["image"], case["prompt"], case["plane"])


def loadDemoImage(name: str) -> Any:
    """Load a bundled image, show it in all slice views, and return its node."""
    node = slicer.util.loadVolume(str(demoCase(name).image), {"singleFile": True})
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def waitUntil(isTrue: Callable[[], bool], seconds: float = RUN_SECONDS) -> None:
    """Run the event loop until something is true.

    Raises:
        TimeoutError: it did not become true in time.
    """
    pythonqt.runEventLoop(isTrue, seconds)
    if not isTrue():
        raise TimeoutError(f"nothing happened within {seconds:g} s")
    pythonqt.processEvents(20)  # sections refresh at the next turn


def startRun(widget: Any, name: str, samples: int = 4, more: tuple[str, ...] = (), prompt: str = "") -> None:
    """Load a case, add its prompt or another one, and others, and start a run of all rows."""
    case = demoCase(name)
    loadDemoImage(name)
    waitUntil(lambda: widget.logic.volumeNode is not None, 5)
    widget.logic.parameters.plane = case.plane
    ask(widget, (prompt or case.prompt, *more), samples)


def ask(widget: Any, prompts: tuple[str, ...], samples: int = 4) -> None:
    """Add prompts and start a run of them."""
    widget.logic.parameters.sampleCount = samples
    rows = widget.logic.rows.add(prompts)
    widget.logic.parameters.currentRow = 0
    widget.logic.run([row.rowId for row in rows])


def fresh(widget: Any) -> None:
    """The panel as it opens, without an image; what the model knows comes a moment later."""
    waitUntil(lambda: widget.logic.modelKnowledge.isKnown(widget.logic.parameters.model))
    pythonqt.processEvents(500)


def running(widget: Any) -> None:
    """A run that is under way; it goes on, cancel it."""
    startRun(widget, "hippocampus-mri", samples=30)
    waitUntil(lambda: widget.ui.progressBar.value > 100 or not widget.logic.isRunning)


def result(widget: Any) -> None:
    """A picture with two prompts that were segmented; the second finds nothing."""
    startRun(widget, "breast-ultrasound", more=("No tumor in the breast ultrasound image.",))
    waitUntil(lambda: not widget.logic.isRunning)


def not_understood(widget: Any) -> None:
    """A picture and a word that the model does not know: suggestions, and a way to see the answer anyway."""
    startRun(widget, "breast-ultrasound", prompt="malignancy")
    waitUntil(lambda: not widget.logic.isRunning)


def foreign_image(widget: Any) -> None:
    """Stripes, which are no kind of medical image."""
    stripes = np.zeros((1, 192, 256, 3), np.uint8)
    stripes[:, :, ::32] = stripes[:, ::24] = (250, 40, 200)
    node = slicer.util.addVolumeFromArray(
        stripes, np.diag((-1.0, -1.0, 1.0, 1.0)), "stripes", "vtkMRMLVectorVolumeNode"
    )
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    waitUntil(lambda: widget.logic.volumeNode is not None, 5)
    ask(widget, ("tumor",))
    waitUntil(lambda: not widget.logic.isRunning)


def doubtful_place(widget: Any) -> None:
    """A place that does not fit; a suggestion leaves it out."""
    startRun(widget, "breast-ultrasound", prompt="one small tumor on the left")
    waitUntil(lambda: not widget.logic.isRunning)


def builder(widget: Any) -> None:
    """A prompt that is built of what the model knows."""
    loadDemoImage("breast-ultrasound")
    waitUntil(lambda: widget.logic.volumeNode is not None, 5)
    waitUntil(lambda: widget.logic.modelKnowledge.isKnown(widget.logic.parameters.model))
    pythonqt.processEvents(100)
    ui = widget.ui
    ui.buildPromptButton.checked = True
    for combo in (ui.builderKindComboBox, ui.builderCountComboBox, ui.builderSizeComboBox, ui.builderPlaceComboBox):
        combo.currentIndex = min(1, combo.count - 1)
    pythonqt.processEvents(300)


def known_model(widget: Any) -> None:
    """The Model section with what the model knows."""
    fresh(widget)
    for name in ("inputCollapsibleButton", "promptsCollapsibleButton", "runCollapsibleButton"):
        getattr(widget.ui, name).collapsed = True
    widget.ui.modelCollapsibleButton.collapsed = False
    pythonqt.processEvents(200)


def review(widget: Any) -> None:
    """A volume with the uncertainty over the image and the review opened."""
    startRun(widget, "hippocampus-mri")
    waitUntil(lambda: not widget.logic.isRunning)
    for name in ("inputCollapsibleButton", "promptsCollapsibleButton"):
        getattr(widget.ui, name).collapsed = True
    widget.ui.reviewCollapsibleButton.collapsed = False
    widget.logic.parameters.overlayVisible = True
    pythonqt.processEvents(100)


def three_planes(widget: Any) -> None:
    """A volume that was segmented in three planes, with the map of their disagreement over the image."""
    widget.logic.parameters.threePlanes = True
    startRun(widget, "hippocampus-mri", samples=1)
    widget.logic.parameters.plane = "auto"
    waitUntil(lambda: not widget.logic.isRunning)
    widget.ui.promptsCollapsibleButton.collapsed = True
    widget.ui.reviewCollapsibleButton.collapsed = False
    widget.logic.parameters.overlayMap = "PlaneDisagreement"
    widget.logic.parameters.overlayVisible = True
    pythonqt.processEvents(100)


def error(widget: Any) -> None:
    """A run that fails: the chosen model is gone."""
    loadDemoImage("dermoscopy")
    waitUntil(lambda: widget.logic.volumeNode is not None, 5)
    widget.logic.parameters.model = "a model that is not there"
    rows = widget.logic.rows.add([demoCase("dermoscopy").prompt])
    widget.logic.parameters.currentRow = 0
    widget.logic.run([row.rowId for row in rows])
    waitUntil(lambda: not widget.logic.isRunning)


def zero_shot(widget: Any) -> None:
    """A method without training data, with its settings open; it is not run, as its SAM is to be downloaded."""
    loadDemoImage("breast-ultrasound")
    waitUntil(lambda: widget.logic.volumeNode is not None, 5)
    parameters, ui = widget.logic.parameters, widget.ui
    parameters.model, parameters.zeroShotSam = "medclip-sam-v2", "sam-vit-base"
    parameters.zeroShotStudy, parameters.zeroShotDesign = "breast ultrasound", "P5"
    parameters.zeroShotKind, parameters.zeroShotPrompts = "malignant", "both"
    parameters.zeroShotConfidence = 0
    widget.logic.rows.add(["tumor"])
    parameters.currentRow = 0
    for name in ("modelCollapsibleButton", "zeroShotDetailsButton"):
        getattr(ui, name).collapsed = False
    pythonqt.processEvents(100)


def zero_shot_review(widget: Any) -> None:
    """A picture segmented without training data and without SAM, and its review."""
    loadDemoImage("breast-ultrasound")
    waitUntil(lambda: widget.logic.volumeNode is not None, 5)
    widget.logic.parameters.model, widget.logic.parameters.zeroShotSam = "medclip-sam-v2", "none"
    widget.logic.parameters.zeroShotConfidence = 0
    rows = widget.logic.rows.add(["tumor"])
    widget.logic.parameters.currentRow = 0
    widget.logic.run([row.rowId for row in rows])
    waitUntil(lambda: not widget.logic.isRunning)
    widget.logic.parameters.overlayVisible = True
    pythonqt.processEvents(100)


SCENARIOS: dict[str, Callable[[Any], None]] = {
    scenario.__name__.replace("_", "-"): scenario
    for scenario in (
        fresh,
        running,
        result,
        not_understood,
        foreign_image,
        doubtful_place,
        builder,
        known_model,
        review,
        three_planes,
        error,
        zero_shot,
        zero_shot_review,
    )
}
