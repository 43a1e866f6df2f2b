"""Tune the two CLIP towers of a model on image-caption pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.model.catalog import find_model

from .request import check_request, read_tables, tuning_settings
from .settings import TuningSettings

if TYPE_CHECKING:
    from .running import TuningReport
    from .tuner import TuningProgress

DEFAULT_START = "biomedclip"


def clip_tune(
    pairs: str | Path,
    out: str | Path,
    settings: TuningSettings | None = None,
    start_from: str | Path | None = None,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    images: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[TuningProgress], None] | None = None,
) -> TuningReport:
    """Tune both towers with DHN-NCE and write a backbone's folder, which other commands take as a model.

    Args:
        pairs: table with the columns ``filename`` and ``Caption``.
        out: folder to write; also holds log, record and what is needed to resume.
        settings: how to tune; None for the published ones, or those of the resumed run.
        start_from: name or folder of a model or backbone, of which only the towers are taken; None for BiomedCLIP.
        validation: table of pairs to validate on; None keeps a share of ``pairs`` for it.
        test: table of pairs that choose nothing, for an unbiased retrieval before and after.
        images: folder the file names start from; None for that of each table.
        resume: go on with the interrupted run in ``out``, of the same tables.
        progress: called after every step.

    Raises:
        MedCLIPSegError: unusable tables, images or settings, ``out`` in use, nothing to resume, or a full disk.
    """
    folder = Path(out)
    check_request(folder, start_from, resume)
    settings = settings or tuning_settings(folder if resume else None)
    tables = {"pairs": pairs, "validation": validation, "test": test}
    source = folder if resume else find_model(start_from or DEFAULT_START)
    data = read_tables(tables, None if images is None else Path(images), settings)
    from .running import run_tuning

    named = None if resume else str(start_from or DEFAULT_START)
    with write_failures_in_words():
        return run_tuning(data, folder, settings, source, named, resume, progress)
