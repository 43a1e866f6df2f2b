"""What a model knows, in words."""

from __future__ import annotations

from pathlib import Path

from MedCLIPSegLogic.knowledge.known import KnownThing
from MedCLIPSegLogic.model.folder import read_knowledge


def knowledge_info(folder: Path) -> dict[str, str]:
    """What the model knows, kind of image by kind of image, with the mean Dice on validation images.

    Raises:
        MedCLIPSegError: the record is damaged.
    """
    knowledge = read_knowledge(folder)
    if knowledge is None:
        return {"knows": "not recorded; medclipseg know learns it from the data sets the model was trained on"}
    return {
        f"knows {kind}": f"{known.images} training images; "
        + "; ".join(_thing_info(name, thing) for name, thing in known.things.items())
        for kind, known in knowledge.kinds.items()
    }


def _thing_info(name: str, thing: KnownThing) -> str:
    if thing.dice is None:
        return f"{name}, not measured"
    text = f"{name} {thing.dice:.2f}"
    for words, names in (("also as", thing.understood), ("not understood as", thing.not_understood)):
        if names:
            text += f", {words} " + ", ".join(f"{other} {thing.wordings[other]:.2f}" for other in names)
    return text
