"""Image-caption pairs from a table, cleaned and split."""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MedCLIPSegLogic.errors import MedCLIPSegError, listed, quoted
from MedCLIPSegLogic.files.text_reading import read_bytes
from MedCLIPSegLogic.named_files import file_within

IMAGE_COLUMN = "filename"
CAPTION_COLUMN = "Caption"
KEPT_SIGNS = frozenset(" .,;:!?%()/+-'\"°<>=≤≥±×")
"""Signs that carry meaning in reports, such as those of measurements; all others are stripped from captions."""


@dataclass(frozen=True)
class Pair:
    """An image with its caption.

    Args:
        image: file of the image.
        caption: cleaned.
        place: row and table it comes from, for messages.
    """

    image: Path
    caption: str
    place: str


@dataclass(frozen=True)
class PairTable:
    """What a table holds.

    Args:
        path: the table.
        sha256: of the file.
        pairs: in the order of the rows.
        dropped: rows whose caption was too short.
    """

    path: Path
    sha256: str
    pairs: tuple[Pair, ...]
    dropped: int


def read_pairs(path: Path, images: Path | None = None, min_caption: int = 20) -> PairTable:
    """Read a comma-separated table with the columns ``filename`` and ``Caption``, in any order and among others.

    Args:
        path: the table, in UTF-8; captions may have several lines between quotes.
        images: folder the file names start from; None for that of the table.
        min_caption: rows whose cleaned caption has fewer characters are dropped and counted.

    Raises:
        MedCLIPSegError: the table is missing or damaged, lacks a column, or a row has no or a missing image; names
            table and row, the header being row 1.
    """
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no table of pairs {path}.") from None
    base = path.parent if images is None else images
    pairs, dropped = [], 0
    for number, name, caption in _entries(content, path):
        place = f"Row {number} of {path}"
        if not name:
            raise MedCLIPSegError(f"{place} has nothing in the column '{IMAGE_COLUMN}'.")
        image = file_within(base, name)
        if image is None:
            raise MedCLIPSegError(
                f"{place} names the image '{quoted(name)}', which is not in {base}; correct the name or say with "
                "--images where the images are."
            )
        cleaned = clean_caption(caption)
        if len(cleaned) < min_caption:
            dropped += 1
        else:
            pairs.append(Pair(image, cleaned, place))
    if not pairs:
        reason = f"none of its {dropped} captions has {min_caption} characters" if dropped else "it has no rows"
        raise MedCLIPSegError(f"The table of pairs {path} cannot be used: {reason}.")
    return PairTable(path, hashlib.sha256(content).hexdigest(), tuple(pairs), dropped)


def _entries(content: bytes, path: Path) -> Iterable[tuple[int, str, str]]:
    """Number, file name and caption of every row that is not empty throughout."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise MedCLIPSegError(f"Line {row} of {path} is not in UTF-8; save the table as CSV in UTF-8.") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    last = 1
    try:
        header = [name.strip() for name in next(rows, [])]
        columns = [_column(header, name, path) for name in (IMAGE_COLUMN, CAPTION_COLUMN)]
        for number, fields in enumerate(rows, start=2):
            if fields and len(fields) != len(header):
                raise MedCLIPSegError(
                    f"Row {number} of {path} has {len(fields)} fields, but the header has {len(header)}; put captions "
                    "with commas between quotes."
                )
            if any(field.strip() for field in fields):
                image, caption = (fields[column] for column in columns)
                yield number, image.strip(), caption
            last = number
    except csv.Error as error:
        raise MedCLIPSegError(f"Row {last + 1} of {path} cannot be read as CSV: {quoted(error)}.") from None


def _column(header: Sequence[str], name: str, path: Path) -> int:
    places = [number for number, found in enumerate(header) if found.lower() == name.lower()]
    if len(places) != 1:
        columns = listed(f"'{entry}'" for entry in header) or "none"
        many = "more than one column" if places else "no column"
        raise MedCLIPSegError(f"The table {path} has {many} '{name}'; its columns are: {columns}.")
    return places[0]


def clean_caption(caption: str) -> str:
    """A caption without special characters: letters and digits of any script and common punctuation stay.

    Compatibility forms are unified (Unicode NFKC) and white space becomes single spaces.
    """
    unified = unicodedata.normalize("NFKC", caption)
    kept = (c if c.isalnum() or c in KEPT_SIGNS or unicodedata.combining(c) else " " for c in unified)
    return " ".join("".join(kept).split())


def split_pairs(pairs: Sequence[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs to tune on and pairs to validate on; all pairs of an image fall on the same side.

    The same pairs in any order and the same seed give the same split.

    Args:
        pairs: all.
        share: of the images that go to validation, at least 2.
        seed: of the draw.

    Raises:
        MedCLIPSegError: there are fewer than 4 images.
    """
    names = sorted({str(pair.image) for pair in pairs})
    if len(names) < 4:
        raise MedCLIPSegError(
            f"Tuning needs pairs of at least 4 images, 2 of them for validation; here are {len(names)}."
        )
    count = min(max(2, round(share * len(names))), len(names) - 2)
    chosen = {names[number] for number in np.random.default_rng(seed).permutation(len(names))[:count]}
    training = [pair for pair in pairs if str(pair.image) not in chosen]
    return training, [pair for pair in pairs if str(pair.image) in chosen]


def draw_batches(pairs: Sequence[Pair], size: int, seed: int) -> list[list[Pair]]:
    """Every pair once, in random order, in batches of ``size`` and a smaller last one.

    A pair whose image or caption is in the batch already waits for a later batch: it would be counted as a negative
    of itself. Batches of one pair, which has nothing to be told from, are left out.
    """
    order = np.random.default_rng(seed).permutation(len(pairs))
    waiting = [pairs[number] for number in order]
    batches: list[list[Pair]] = []
    while waiting:
        batch: list[Pair] = []
        later: list[Pair] = []
        seen: set[str] = set()
        for number, pair in enumerate(waiting):
            if len(batch) == size:
                later += waiting[number:]
                break
            marks = {f"image {pair.image}", f"caption {pair.caption}"}
            if marks & seen:
                later.append(pair)
            else:
                batch.append(pair)
                seen |= marks
        waiting = later
        batches.append(batch)
    return [batch for batch in batches if len(batch) > 1]
