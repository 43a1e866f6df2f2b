"""Prompt styles made from a sheet's own prompts, in wordings held out from training."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.knowledge.spelling import number_variants, plural

from . import prompt_words
from .rewording import fill, reorder, thing, with_synonym
from .wordings import wordings

NO_LABEL = -1
"""A label that no mask holds, so that the truth is empty."""
Rows = Sequence[SheetRow]


def neutral_rows(rows: Rows) -> list[SheetRow]:
    """The things alone in wordings held out from training; images without a finding are asked for one as well."""
    templates = wordings().neutral
    return [_with_text(row, fill(templates[n % len(templates)], asked)) for n, (row, asked) in enumerate(_asked(rows))]


def alone_rows(rows: Rows) -> list[SheetRow]:
    """The things in one or two words and nothing else, without their kind: "tumor", "left lung"."""
    return [_with_text(row, prompt_words.without_kind(asked)) for row, asked in _asked(rows)]


def plural_rows(rows: Rows) -> list[SheetRow]:
    """As :func:`alone_rows` in the plural; what is one by its name ("left lung"), or many ("nuclei"), is left out."""
    return [
        _with_text(row, plural(row.description))
        for row in alone_rows(rows)
        if not set(row.description.split()) & set(prompt_words.PART_WORDS)
        and not any(plural(other) == row.description for other in number_variants(row.description))
    ]


def article_rows(rows: Rows) -> list[SheetRow]:
    """As :func:`alone_rows` with an article."""
    return [_with_text(row, f"the {row.description}") for row in alone_rows(rows)]


def upper_case_rows(rows: Rows) -> list[SheetRow]:
    """As :func:`alone_rows` in capitals."""
    return [_with_text(row, row.description.upper()) for row in alone_rows(rows)]


def unseen_synonym_rows(rows: Rows) -> list[SheetRow]:
    """As :func:`alone_rows` in words that training never uses; rows without such a word are left out."""
    others = wordings().unseen_synonyms
    alone = [(row, others.get(row.description)) for row in alone_rows(rows)]
    return [_with_text(row, words[n % len(words)]) for n, (row, words) in enumerate(alone) if words]


def synonym_rows(rows: Rows) -> list[SheetRow]:
    """As :func:`neutral_rows` with the noun replaced by a synonym; rows without one are left out."""
    templates = wordings().neutral
    changed = []
    for number, (row, asked) in enumerate(_asked(rows)):
        synonym = with_synonym(asked, number)
        if synonym != asked:
            changed.append(_with_text(row, fill(templates[number % len(templates)], synonym)))
    return changed


def reordered_rows(rows: Rows) -> list[SheetRow]:
    """The prompts as given with their words in another order; rows that have no other order are left out."""
    return [_with_text(row, text) for row in rows if (text := reorder(row.description)) != row.description]


def fixed_rows(rows: Rows) -> list[SheetRow]:
    """One short prompt for all images: the noun asked for most often, with the kind of image where prompts name it."""
    found = [row.description for row in rows if not prompt_words.names_absence(row.description)]
    if not found:
        return []
    noun = Counter(_noun(text) for text in found).most_common(1)[0][0]
    image = Counter(prompt_words.named_image(text) for text in found).most_common(1)[0][0]
    text = noun if image is None else f"{noun} in the {image.lower()}"
    return [_with_text(row, text) for row in rows]


def absent_rows(rows: Rows) -> list[SheetRow]:
    """Things never asked for in training that the images cannot show; empty when nothing is known of the images."""
    return _elsewhere(rows, wordings().neutral)


def denied_rows(rows: Rows) -> list[SheetRow]:
    """As :func:`absent_rows` in prompts that deny them."""
    return _elsewhere(rows, wordings().denials)


def _elsewhere(rows: Rows, templates: Sequence[str]) -> list[SheetRow]:
    things = wordings().things_elsewhere(prompt_words.anatomy([row.description for row in rows]), held_out=True)
    if not things:
        return []
    texts = [fill(templates[n % len(templates)], things[n % len(things)]) for n in range(len(rows))]
    return [
        dataclasses.replace(row, description=text, label_values=(NO_LABEL,))
        for row, text in zip(rows, texts, strict=True)
    ]


MADE_STYLES: dict[str, Callable[[Rows], list[SheetRow]]] = {
    "alone": alone_rows,
    "plural": plural_rows,
    "article": article_rows,
    "upper_case": upper_case_rows,
    "unseen_synonyms": unseen_synonym_rows,
    "neutral": neutral_rows,
    "synonyms": synonym_rows,
    "reordered": reordered_rows,
    "fixed": fixed_rows,
    "absent": absent_rows,
    "denied": denied_rows,
}
"""Styles that need no sheet of their own, by name."""


def _asked(rows: Rows) -> list[tuple[SheetRow, str]]:
    """Every row and the thing it asks for, or where it denies one, a thing of the other rows."""
    findings = [thing(row.description) for row in rows if not prompt_words.names_absence(row.description)]
    asked = []
    for number, row in enumerate(rows):
        absent = prompt_words.names_absence(row.description) and findings
        asked.append((row, findings[number % len(findings)] if absent else thing(row.description)))
    return asked


def _noun(text: str) -> str:
    *kinds, noun = thing(text).split()
    return " ".join([*(kind for kind in kinds if kind in prompt_words.PART_WORDS), noun])


def _with_text(row: SheetRow, text: str) -> SheetRow:
    return dataclasses.replace(row, description=text)
