"""Prompts in the words of a model: what ``medclipseg prompt`` does. Nothing here imports torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError, listed, quoted
from MedCLIPSegLogic.knowledge.completion import complete
from MedCLIPSegLogic.knowledge.known import Knowledge
from MedCLIPSegLogic.knowledge.linter import lint
from MedCLIPSegLogic.knowledge.places import place_of_box, place_of_point
from MedCLIPSegLogic.knowledge.prompt_parts import PromptParts, choices_of
from MedCLIPSegLogic.knowledge.prompt_sentence import sentence
from MedCLIPSegLogic.knowledge.understanding import understand
from MedCLIPSegLogic.model.catalog import find_model
from MedCLIPSegLogic.model.folder import read_knowledge

DEFAULT_MODEL = "mini"


def prompt(
    thing: str = "",
    model: str | Path = DEFAULT_MODEL,
    kind: str | None = None,
    count: str = "",
    size: str = "",
    color: str = "",
    shape: str = "",
    place: str = "",
    at: Sequence[float] | None = None,
    box: Sequence[float] | None = None,
) -> str:
    """A prompt of these parts, worded as the training prompts of a model are.

    Args:
        thing: what to look for; the best known thing when empty.
        model: name of a bundled or installed model, or a model folder.
        kind: of image; None for plain English.
        count, size, color, shape: what else to say of the thing; nothing when empty.
        place: one of nine, such as "top left"; or instead of it
        at: a point, x and y as shares of the width and height of the slice, from its top left corner;
        box: a box, its left, top, right and bottom in such shares.

    Raises:
        MedCLIPSegError: no such model, kind or part, or several places.
    """
    knowledge = _knowledge(model, kind)
    things = choices_of(knowledge, kind).thing
    if not thing and not things:
        raise MedCLIPSegError(f"The model '{quoted(model)}' knows nothing to look for; name a model that does.")
    parts = PromptParts(thing or things[0], count, size, color, shape, _place(place, at, box))
    return sentence(parts, knowledge, kind)


def prompt_choices(model: str | Path = DEFAULT_MODEL, kind: str | None = None) -> dict[str, dict[str, tuple[str, ...]]]:
    """Values for the parts of a prompt, by kind of image and part.

    Args:
        model: as for :func:`prompt`.
        kind: of image; None for all.

    Raises:
        MedCLIPSegError: no such model or kind.
    """
    knowledge = _knowledge(model, kind)
    kinds = knowledge.kinds if kind is None else (kind,)
    return {each: dataclasses.asdict(choices_of(knowledge, each)) for each in kinds}


def check_prompt(text: str, model: str | Path = DEFAULT_MODEL, kind: str | None = None) -> dict[str, Any]:
    """What a model makes of a prompt.

    Args:
        text: the prompt.
        model: as for :func:`prompt`.
        kind: of image; None where nobody can tell.

    Returns:
        Ready for JSON: the fields of ``Understanding``; ``remark`` and ``spans``, the line of the linter and where the
        words it is about stand, None and empty without one; ``completions``, prompts that begin so.

    Raises:
        MedCLIPSegError: no such model or kind.
    """
    knowledge = _knowledge(model, kind)
    remark = lint(f"{text} ", knowledge, kind)  # a blank ends the last word
    return {
        **dataclasses.asdict(understand(text, knowledge, kind)),
        "remark": remark.text if remark else None,
        "spans": remark.spans if remark else (),
        "completions": complete(text, knowledge, kind),
    }


def _knowledge(model: str | Path, kind: str | None) -> Knowledge:
    folder = find_model(model)
    knowledge = read_knowledge(folder)
    if knowledge is None:
        raise MedCLIPSegError(
            f"The model '{quoted(model)}' does not say what it knows: {quoted(folder)} has no knowledge.json, which "
            "medclipseg know writes."
        )
    if kind is not None and kind not in knowledge.kinds:
        raise MedCLIPSegError(
            f"The model '{quoted(model)}' does not know “{quoted(kind)}”; it knows {listed(knowledge.kinds)}."
        )
    return knowledge


def _place(place: str, at: Sequence[float] | None, box: Sequence[float] | None) -> str:
    if sum(given not in ("", None) for given in (place, at, box)) > 1:
        raise MedCLIPSegError("Give a place, a point or a box, not several of them.")
    shares = at if at is not None else box
    if shares is None:
        return place
    if not all(0 <= share <= 1 for share in shares):
        raise MedCLIPSegError("A point or box is told in shares of the slice, between 0 and 1.")
    return place_of_point(*shares) if at is not None else place_of_box(*shares)
