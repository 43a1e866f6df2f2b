"""A model folder that says what it knows; nothing loads its weights."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path
from typing import Any

import pythonqt
from PIL import Image
from scenarios import waitUntil

from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.model.catalog import BUNDLED_MODELS
from MedCLIPSegLogic.model.folder import save_knowledge


def _red() -> str:
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), (255, 0, 0)).save(picture, "jpeg")
    return base64.b64encode(picture.getvalue()).decode()


ULTRASOUND, BRAIN = "breast ultrasound", "brain MRI"
KNOWLEDGE = Knowledge(
    kinds={
        ULTRASOUND: KnownKind(
            images=571,
            things={"tumor": KnownThing(images=456, dice=0.8, wordings={"mass": 0.78, "cancer": 0.01})},
            prompts=("One small benign tumor in the left side in the breast ultrasound image.",),
        ),
        BRAIN: KnownKind(
            images=560,
            things={
                "tumor": KnownThing(images=560, dice=0.79, wordings={"glioma": 0.75}),
                "hippocampus": KnownThing(images=100, dice=None),
                "edema": KnownThing(images=30, dice=0.02),
            },
            plane="axial",
            prompts=("A suspicious glioma lesion is located in the center section.",),
        ),
        "colonoscopy": KnownKind(
            images=600,
            things={"polyp": KnownThing(images=600, dice=0.85)},
            prompts=("one medium brown oval polyp, located in center of the image",),
            thumbnail=_red(),
        ),
    },
    words={
        "tumor": {ULTRASOUND: 456, BRAIN: 560},
        "mass": {ULTRASOUND: 100},
        "glioma": {BRAIN: 200},
        "hippocampus": {BRAIN: 100},
        "polyp": {"colonoscopy": 600},
        "one": {ULTRASOUND: 300, "colonoscopy": 500},
        "small": {ULTRASOUND: 200, BRAIN: 100, "colonoscopy": 200},
        "medium": {ULTRASOUND: 200, "colonoscopy": 200},
        "oval": {"colonoscopy": 200},
        "left": {ULTRASOUND: 200, BRAIN: 100},
        "center": {BRAIN: 100, "colonoscopy": 200},
    },
)


def knowingModel(folder: Path, knowledge: Knowledge = KNOWLEDGE) -> Path:
    """Make a folder that is a model's by its knowledge alone."""
    folder.mkdir(parents=True, exist_ok=True)
    save_knowledge(knowledge, folder)
    return folder


def knowingMini(folder: Path, knowledge: Knowledge = KNOWLEDGE) -> Path:
    """Make a copy of the bundled model that says what it knows."""
    shutil.copytree(BUNDLED_MODELS / "mini", folder)
    return knowingModel(folder, knowledge)


def choose(widget: Any, model: Path | str) -> None:
    """Choose a model and wait until the panel can tell what it knows."""
    widget.logic.parameters.model = str(model)
    waitUntil(lambda: widget.logic.modelKnowledge.isKnown(str(model)), 60)
    widget.logic.changed()
    pythonqt.processEvents(50)
