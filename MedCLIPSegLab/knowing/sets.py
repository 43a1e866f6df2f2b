"""Data sets a model was trained on, by the kind of their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import SheetRow, named_file
from MedCLIPSegLogic.errors import MedCLIPSegError, listed, quoted
from MedCLIPSegLogic.knowledge.known import MOST_LETTERS
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.image_folders import images_of
from ..data.prompt_sheets import PromptSheet, find_sheet
from ..data.prompt_words import named_image
from ..data.split_rows import split_rows

Told = Callable[[float, str], None]
"""Is told the share of the work that is done, 0…1, and what is being done."""
NAMED_SHARE = 0.25
"""Share of a set's prompts that must name the kind of image."""
NO_KINDS = {"brain"}
"""What prompts name as if it were a kind of image."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A row of a sheet with what it shows.

    Args:
        row: the row.
        volume: its image.
        truth: (K, J, I) known mask.
    """

    row: SheetRow
    volume: Volume
    truth: NDArray[np.bool_]


@dataclass(frozen=True)
class KnowingSet:
    """A data set.

    Args:
        folder: in MedCLIPSeg's layout.
        kind: of its images.
        training: rows that were trained on.
        validation: rows of its Val folder; empty without one.
    """

    folder: Path
    kind: str
    training: tuple[SheetRow, ...]
    validation: tuple[SheetRow, ...]

    def shown(self, split: Literal["Train", "Val"], rows: Sequence[SheetRow]) -> Iterator[Shown]:
        """Rows with their images and masks; an image is read once for its rows that follow each other.

        Raises:
            MedCLIPSegError: a file is missing, unreadable or does not fit.
        """
        sheet = self._sheet(split)
        volume: Volume | None = None
        name = ""
        for row in rows:
            if volume is None or row.image != name:
                volume, name = sheet.image(row), row.image
            yield Shown(row, volume, sheet.truth(row, volume))

    def files(self, split: Literal["Train", "Val"]) -> list[Path]:
        """Image files of the training or the validation rows, each once.

        Raises:
            MedCLIPSegError: one is missing.
        """
        rows = self.training if split == "Train" else self.validation
        return [named_file(self._sheet(split).images, name) for name in dict.fromkeys(row.image for row in rows)]

    def _sheet(self, split: Literal["Train", "Val"]) -> PromptSheet:
        base = self.folder / f"{split}_Folder"
        return PromptSheet(self.folder.resolve().name, "", self.folder, base / "img", base / "label")


def find_sets(
    folders: Sequence[Path],
    kinds: Mapping[str, str],
    share: int = 100,
    seed: int = 0,
    limit: int | None = None,
) -> list[KnowingSet]:
    """The data sets and their rows, without reading images; see :func:`check_kinds` for what is refused.

    Args:
        folders: of the data sets.
        kinds: names of kinds of image by name of the data set; a set that is not among them has the kind its prompts
            name, or else its own name. Sets may share a kind.
        share, seed: of the training images, see :func:`split_rows`.
        limit: first rows of each sheet only; None for all.

    Raises:
        MedCLIPSegError: a sheet is missing or damaged.
    """
    sets = []
    for folder in folders:
        name = folder.resolve().name
        training = split_rows(folder, "Train", share, seed)
        has_validation = (folder / "Val_Folder" / "img").is_dir()
        validation = split_rows(folder, "Val", share, seed) if has_validation else []
        kind = kinds.get(name) or kind_of_prompts([row.description for row in training]) or name[:MOST_LETTERS]
        sets.append(KnowingSet(folder, kind, tuple(training[:limit]), tuple(validation[:limit])))
    return sets


def check_kinds(folders: Sequence[Path], kinds: Mapping[str, str]) -> None:
    """Refuse names of kinds of image that cannot be given.

    Args:
        folders: of the data sets.
        kinds: names by name of the data set.

    Raises:
        MedCLIPSegError: a name is empty or too long, or the set is not there.
    """
    names = [folder.resolve().name for folder in folders]
    wrong = next((kind for kind in kinds.values() if not 1 <= len(kind.strip()) <= MOST_LETTERS), None)
    if wrong is not None:
        raise MedCLIPSegError(f"'{quoted(wrong)}' cannot name a kind of image; give 1 to {MOST_LETTERS} letters.")
    stranger = next((name for name in kinds if name not in names), None)
    if stranger is not None:
        raise MedCLIPSegError(
            f"A kind of image is named for the data set '{quoted(stranger)}', but the data sets are {listed(names)}."
        )


def find_others(folders: Sequence[Path], kinds: Mapping[str, str], known: Collection[str]) -> dict[str, list[Path]]:
    """Images of kinds that a model was not trained on, by kind.

    Args:
        folders: data sets, of which the training images are taken, or folders of images.
        kinds: as for :func:`find_sets`.
        known: kinds it was trained on.

    Raises:
        MedCLIPSegError: a folder holds no image, or images of a kind that was trained on.
    """
    others: dict[str, list[Path]] = {}
    for folder in folders:
        name = folder.resolve().name
        has_prompts = find_sheet(folder, "Train_text") is not None
        prompts = [row.description for row in split_rows(folder, "Train")] if has_prompts else []
        kind = kinds.get(name) or kind_of_prompts(prompts) or name[:MOST_LETTERS]
        if kind in known:
            raise MedCLIPSegError(f"'{quoted(kind)}' of {folder} is a kind that was trained on; name another one.")
        others.setdefault(kind, []).extend(images_of(folder, "Train"))
    return others


def by_kind(sets: Sequence[KnowingSet]) -> dict[str, list[KnowingSet]]:
    """The data sets of every kind, in their order."""
    kinds: dict[str, list[KnowingSet]] = {}
    for each in sets:
        kinds.setdefault(each.kind, []).append(each)
    return kinds


def kind_of_prompts(prompts: Sequence[str]) -> str | None:
    """The kind of image that prompts name most often, such as "breast ultrasound"; None when few name one."""
    names = [(named_image(prompt) or "").removesuffix(" image") for prompt in prompts]
    counts = Counter(name for name in names if name and name not in NO_KINDS)
    if not counts:
        return None
    kind, count = counts.most_common(1)[0]
    return kind if count >= NAMED_SHARE * len(prompts) else None
