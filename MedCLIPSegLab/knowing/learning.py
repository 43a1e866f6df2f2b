"""Learn what a model knows from the data sets it was trained on."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind
from MedCLIPSegLogic.knowledge.words import words_of
from MedCLIPSegLogic.model.folder import save_knowledge
from MedCLIPSegLogic.model.library import LoadedModel, load_model

from ..data.prompt_sheets import ORIGINAL, find_sheets
from ..data.rewording import bare_thing
from .answer_rule import learned_rule, measured_answers, thirds
from .counting import KindCounts, count_kind, style_words
from .image_kinds import learn_image_kinds
from .measuring import asked_things, measure_things
from .names import trained_synonyms
from .plane_fitting import fit_planes
from .previews import Previews
from .sets import KnowingSet, Told, by_kind

PARTS = (0.5, 0.3)
"""Shares of the whole work that are counting and measuring, and kinds of image, for the progress."""
COUNTING_SHARE = 0.3
"""Share of the work that is counting, for the progress."""


def record_knowledge(
    folder: Path,
    target: Path,
    sets: Sequence[KnowingSet],
    others: Mapping[str, Sequence[Path]],
    styled: bool,
    device: torch.device,
    thumbnails: Mapping[str, str] | None = None,
    progress: Told | None = None,
) -> None:
    """Learn all that the model in a folder knows, and how to tell foreign images and bad answers; write it.

    Args:
        folder: model folder.
        target: folder for ``knowledge.json``; an earlier one is replaced whole.
        sets: what the model was trained on.
        others: image files of other kinds, by kind.
        styled, device, thumbnails: as for :func:`learn_knowledge`.
        progress: is told how far it is.

    Raises:
        MedCLIPSegError: as :func:`learn_knowledge`, or the model is damaged.
        OSError: the file cannot be written; an earlier one is kept.
    """
    tell = progress or (lambda share, text: None)
    model = load_model(folder)
    knowledge = learn_knowledge(
        model, sets, styled, device, thumbnails, lambda share, text: tell(PARTS[0] * share, text)
    )
    knowledge = dataclasses.replace(
        knowledge,
        image=learn_image_kinds(
            model,
            {kind: [file for each in some for file in each.files("Train")] for kind, some in by_kind(sets).items()},
            [file for each in sets for file in each.files("Val")],
            others,
            lambda share: tell(PARTS[0] + PARTS[1] * share, "kinds of image"),
        ),
    )
    tell(sum(PARTS), "answers")
    validated = [each.folder for each in sets if each.validation]
    sheets = find_sheets(validated, [ORIGINAL], "Val")
    knowing = dataclasses.replace(model, knowledge=knowledge)
    answers = [answer for sheet in sheets for answer in measured_answers(knowing, sheet)]
    save_knowledge(dataclasses.replace(knowledge, answer=learned_rule(answers), uncertainty=thirds(answers)), target)


def learn_knowledge(
    model: LoadedModel,
    sets: Sequence[KnowingSet],
    styled: bool,
    device: torch.device,
    thumbnails: Mapping[str, str] | None = None,
    progress: Told | None = None,
) -> Knowledge:
    """Learn the kinds of image, the things and the words of a model.

    Args:
        model: in evaluation mode; moved to the device.
        sets: what it was trained on; names are measured on those with validation rows.
        styled: training put words of its own around the prompts.
        device: where to compute.
        thumbnails: pictures of kinds, by name.
        progress: is told how far it is.

    Raises:
        MedCLIPSegError: a file is missing, unreadable or does not fit.
    """
    tell = progress or (lambda share, text: None)
    kinds = by_kind(sets)
    total, done = sum(len(each.training) for each in sets), 0
    counted: dict[str, KindCounts] = {}
    for kind, members in kinds.items():
        for counts in count_kind(members):
            counted[kind] = counts
            done += 1
            tell(COUNTING_SHARE * done / total, f"{kind}: counting")
    asked = {kind: asked_things(counts) for kind, counts in counted.items()}
    previews = Previews(model, device) if any(each.validation for each in sets) else None
    total, done = sum(map(len, asked.values())), 0
    known: dict[str, KnownKind] = {}
    for kind, counts in counted.items():
        things = {}
        obeys: float | None = None
        for found in measure_things(asked[kind], kinds[kind], previews):
            things[found.name] = found.known
            obeys = found.obeys_place if obeys is None else obeys
            done += 1
            tell(COUNTING_SHARE + (1 - COUNTING_SHARE) * done / total, f"{kind}: {found.name}")
        planes = None
        if counts.plane is not None and any(each.validation for each in kinds[kind]):
            planes = fit_planes(kinds[kind], model, device)
        known[kind] = KnownKind(
            images=len(counts.images),
            things=things,
            area=counts.area,
            plane=planes.plane if planes else counts.plane,
            plane_weights=planes.weights if planes else None,
            obeys_place=obeys,
            prompts=counts.prompts,
            thumbnail=(thumbnails or {}).get(kind, ""),
        )
    return Knowledge(kinds=known, words=count_words(counted, styled))


def count_words(counted: Mapping[str, KindCounts], styled: bool) -> dict[str, dict[str, int]]:
    """How often each word stood for something present, by kind of image.

    Args:
        counted: by kind.
        styled: training put words of its own around prompts, and synonyms in them: each counts once for every image.
    """
    words: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, counts in counted.items():
        total = Counter(counts.words)
        if styled:
            nouns = {bare_thing(name) for name in counts.things}
            others = {word for noun in nouns for name in trained_synonyms(noun) for word in words_of(name)}
            total.update(dict.fromkeys(style_words() | others, len(counts.images)))
        for word, count in total.items():
            words[word][kind] = count
    return {word: words[word] for word in sorted(words)}
