"""Values of a parsed DICOM header, which may be anything."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ..errors import MedCLIPSegError


@contextmanager
def reading_tags(path: Path) -> Iterator[None]:
    """Make what pydicom says of damaged values, while the block runs, the one sentence for the user.

    Raises:
        MedCLIPSegError: the block raised anything; which, depends on what the conversion of a value came upon.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MedCLIPSegError:
        raise
    except Exception as error:
        raise MedCLIPSegError(f"{path} has a damaged DICOM header; export the file again.") from error


def numbers(dataset: Dataset, keyword: str, count: int) -> NDArray[np.float64]:
    """(count,) finite numbers of an element.

    Raises:
        KeyError: it is absent or empty.
        ValueError: it holds something else.
    """
    value = dataset[keyword].value
    if value is None or value == "" or value == []:
        raise KeyError(keyword)
    found = np.array(value, dtype=np.float64).reshape(count)
    if not np.isfinite(found).all():
        raise ValueError(keyword)
    return found


def number(dataset: Dataset, keyword: str, default: float) -> float:
    """A finite number, or the default if it is absent or empty.

    Raises:
        ValueError: it holds something else.
    """
    try:
        return float(numbers(dataset, keyword, 1)[0])
    except KeyError:
        return default


def group(tags: Dataset, frame: Dataset, sequence: str) -> Dataset:
    """First item of a functional group, from the frame itself or else from what all frames share.

    Raises:
        KeyError: neither has it.
    """
    shared = tags.get("SharedFunctionalGroupsSequence") or [Dataset()]
    item: Dataset = (frame if sequence in frame else shared[0])[sequence][0]
    return item
