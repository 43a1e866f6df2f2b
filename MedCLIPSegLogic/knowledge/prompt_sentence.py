"""From the parts of a prompt to a sentence in the style a model was trained on."""

from __future__ import annotations

from .known import Knowledge
from .prompt_parts import PromptParts


def sentence(parts: PromptParts, knowledge: Knowledge, kind: str | None) -> str:
    """A prompt of these parts, worded as the training prompts of a kind of image are.

    Args:
        parts: what to say.
        knowledge: of the model.
        kind: of the image; None for plain English.

    Raises:
        MedCLIPSegError: the model does not know a part on this kind of image.
    """
    words = [parts.count, parts.size, parts.color, parts.shape, parts.thing]
    return " ".join(word for word in words if word) + (f" at the {parts.place}" if parts.place else "")
