"""What a model knows, in words."""

from __future__ import annotations

from pathlib import Path

from MedCLIPSegLogic.knowledge.known import KnownThing
from MedCLIPSegLogic.model.folder import read_knowledge

MOST_NAMES = 8
"""Other names of a thing that are listed; ``knowledge.json`` has all, with the Dice of each."""


def knowledge_info(folder: Path) -> dict[str, str]:
    """What the model knows, kind of image by kind of image, with the mean Dice on validation images.

    Raises:
        MedCLIPSegError: the record is damaged.
    """
    knowledge = read_knowledge(folder)
    if knowledge is None:
        return {"knows": "not recorded; medclipseg know learns it from the data sets the model was trained on"}
    return {
        f"knows {kind}": f"{known.images} training images"
        + (f", volumes in the {known.plane} plane" if known.plane else "")
        + "".join(f"\n  {_thing_info(name, thing)}" for name, thing in known.things.items())
        for kind, known in knowledge.kinds.items()
    }


def _thing_info(name: str, thing: KnownThing) -> str:
    if thing.dice is None:
        return f"{name}, not measured"
    text = f"{name}: Dice {thing.dice:.2f}"
    for words, names in (("also as", thing.understood), ("not as", thing.not_understood)):
        if names:
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            text += f"; {words} {', '.join(names[:MOST_NAMES])}{more}"
    return text
