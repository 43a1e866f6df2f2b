"""All sections of a probe, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.model.library import LoadedModel

from ...data.prompt_sheets import PromptSheet
from ..settings import ProbeSettings
from .answers import Answer
from .images import familiar_files, natural_files, probe_images, summarize_images
from .text import probe_text, summarize_text
from .verdicts import probe_verdicts, summarize_verdicts


def ask_sections(
    model: LoadedModel,
    sheets: Sequence[PromptSheet],
    others: Mapping[str, Mapping[str, Sequence[Path]]],
    sections: Collection[str],
    settings: ProbeSettings,
) -> Iterator[tuple[float, Answer]]:
    """Ask everything.

    Args:
        model: to ask.
        sheets: original prompts of the data sets.
        others: images by folder, of "foreign" kinds and of known ones from "elsewhere".
        sections: "text", "images" and "verdicts", or some of them.
        settings: ``samples`` and ``limit``.

    Yields:
        The share of the sets and folders that is done, and an answer.

    Raises:
        MedCLIPSegError: a file is unreadable, or a mask does not fit its image.
    """
    samples, limit = settings.samples, settings.limit
    parts: list[Callable[[], Iterable[Answer]]] = []
    if "text" in sections:
        parts += [lambda sheet=sheet: probe_text(model, sheet, samples, limit) for sheet in sheets]  # type: ignore[misc]
    if "images" in sections:
        groups: dict[str, Mapping[str, Sequence[Path]]] = {
            "familiar": familiar_files(sheets, limit),
            "foreign": {**others["foreign"], **natural_files(limit)},
            "elsewhere": others["elsewhere"],
        }
        parts += [
            lambda probe=probe, name=name, files=files: probe_images(model, probe, name, files)  # type: ignore[misc]
            for probe, folders in groups.items()
            for name, files in folders.items()
        ]
    if "verdicts" in sections:
        parts += [lambda sheet=sheet: probe_verdicts(model, sheet, sheets, samples, limit) for sheet in sheets]  # type: ignore[misc]
    for number, part in enumerate(parts):
        for answer in part():
            yield number / len(parts), answer


def summarize(answers: Sequence[Answer]) -> dict[str, Any]:
    """What is known of the sets (``sets``) and of the verdicts (``verdicts``)."""
    judged = [answer for answer in answers if answer.verdict]
    return {
        "sets": summarize_text([answer for answer in answers if not answer.verdict]),
        "verdicts": summarize_images(judged) | summarize_verdicts(judged),
    }
