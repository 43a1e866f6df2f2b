"""Learn from validation images which signs tell a bad answer."""

from __future__ import annotations

from collections.abc import Sequence

from MedCLIPSegLogic.knowledge.known import AnswerRule
from MedCLIPSegLogic.model.library import LoadedModel

from ..data.prompt_sheets import PromptSheet


def learn_answer_rule(model: LoadedModel, sheets: Sequence[PromptSheet], limit: int | None) -> AnswerRule | None:
    """Learn how to tell a doubtful answer of a model.

    Args:
        model: with knowledge of kinds, things and words.
        sheets: of validation images.
        limit: first rows of each sheet only; None for all.

    Returns:
        The rule; None where there are too few bad or too few good answers to learn from.

    Raises:
        MedCLIPSegError: a file is missing, unreadable or does not fit.
    """
    return None
