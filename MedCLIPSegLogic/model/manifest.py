"""The checked-in list of published models: what they are and where they lie. Nothing here imports torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

MANIFEST_FILE = Path(__file__).parent.parent / "Resources" / "Models" / "zoo.json"
NOT_STATED = "not stated"
"""License of a file whose authors state none."""


@dataclass(frozen=True)
class HubFile:
    """A file of a model repository on the hub.

    Args:
        repository: "owner/name".
        path: inside the repository.
        size: bytes; None while nobody has stated it.
        sha256: hexadecimal; None while nobody has stated it.
        license: of the file, as its authors state it, or `NOT_STATED`.
        license_note: what the license probably is, and why, where it is not stated.
        revision: commit of the repository; None for its newest.
    """

    repository: str
    path: str
    license: str
    size: int | None = None
    sha256: str | None = None
    license_note: str = ""
    revision: str | None = None

    @property
    def key(self) -> str:
        """Repository and path in one line."""
        return f"{self.repository}/{self.path}"

    @property
    def license_text(self) -> str:
        """The license, and where nobody states it what it probably is."""
        return f"{self.license} ({self.license_note})" if self.license_note else self.license


@dataclass(frozen=True)
class ZooEntry:
    """A model that can be downloaded.

    Args:
        name: what the commands take.
        kind: "model" segments; "backbone" holds CLIP towers to train on; "sam" turns boxes and points into masks.
        flavor: tower family, see `flavors.FLAVORS`; "sam" or "medsam" for a SAM.
        title: short, for lists.
        task, modality: what it finds, and in which images.
        training_set, training_share: data set and percent of it that was trained on; None for the others.
        published_dice: in percent on the set's test images; None while not published by itself.
        values: numbers in the network.
        file: the checkpoint.
        vocabulary: the tokenizer's file, where the model needs one that does not come with the packages.
        commercial_use: a stated license allows it.
        citation: to be cited.
    """

    name: str
    kind: Literal["model", "backbone", "sam"]
    flavor: str
    title: str
    task: str
    modality: str
    training_set: str | None
    training_share: int | None
    published_dice: float | None
    values: int
    file: HubFile
    vocabulary: HubFile | None
    commercial_use: bool
    citation: str

    @property
    def purpose(self) -> str:
        """What it was trained for, in a sentence."""
        if self.kind == "backbone":
            return f"{self.task}. A backbone to train on; it cannot segment by itself."
        if self.kind == "sam":
            return f"{self.task} in {self.modality}. For medclipseg zeroshot; it cannot segment from a text by itself."
        share = "all" if self.training_share == 100 else f"{self.training_share} %"
        return f"{self.task} in {self.modality}. Trained on {share} of {self.training_set}."

    def download_size(self, asked: int | None = None) -> tuple[int, bool]:
        """Bytes of the download, and whether they are known.

        They are what the hub said, or the list states; else they are reckoned at four bytes a value, which is the least
        a checkpoint has: one with the state of its optimizer has three times that.

        Args:
            asked: what the hub said; None while it was not asked or gave no answer.
        """
        known = asked or self.file.size
        return (known, True) if known else (4 * self.values, False)


@cache
def zoo() -> dict[str, ZooEntry]:
    """The published models by name, in the order of the list."""
    data = json.loads(MANIFEST_FILE.read_text(encoding="utf-8"))
    vocabularies = {name: HubFile(**file) for name, file in data["vocabularies"].items()}
    entries = {}
    for item in data["models"]:
        vocabulary = vocabularies.get(item.pop("vocabulary") or "")
        file = HubFile(**item.pop("file"))
        entries[item["name"]] = ZooEntry(**item, file=file, vocabulary=vocabulary)
    return entries


@cache
def published_mean_dice() -> dict[int, float]:
    """Mean Dice in percent over the six data sets by the percentage of training data (arXiv 2602.20423)."""
    data = json.loads(MANIFEST_FILE.read_text(encoding="utf-8"))
    return {int(share): dice for share, dice in data["published_mean_dice"].items()}


def size_text(size: int) -> str:
    """A size in bytes for people, rounded down, so that "at least" stays true."""
    return f"{size // 10**8 / 10} GB" if size >= 10**9 else f"{size // 10**6} MB"


def consent_text(entry: ZooEntry, asked: int | None = None) -> str:
    """Size, source and license of a download, as a person is asked.

    Args:
        entry: of the list.
        asked: bytes of the file as the hub states them; None where it gave no answer.
    """
    size, known = entry.download_size(asked)
    amount = size_text(size)
    if not known:
        amount = (
            f"at least {amount}, or about {size_text(3 * size)} with the state of its training (the size is not "
            "published, and the hub gave no answer)"
        )
    lines = [
        f"{entry.name}: {entry.purpose}",
        f"Download: {amount}",
        f"Source: {entry.file.key} on the hub (huggingface.co)",
        f"License: {entry.file.license_text}",
    ]
    if not entry.commercial_use:
        lines.append("No stated license allows commercial use; for that train on the backbone biomedclip (MIT).")
    return "\n".join(lines)
