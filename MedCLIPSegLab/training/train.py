"""Train a model on prompted images."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.model.catalog import find_model

from .recipes import recipe_settings
from .request import begun_settings, check_request
from .settings import TrainingSettings

if TYPE_CHECKING:
    from .trainer import TrainingProgress


def train(
    data: Sequence[str | Path],
    out: str | Path,
    settings: TrainingSettings | None = None,
    start_from: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Path:
    """Train on data sets in MedCLIPSeg's layout and write a model folder.

    Started by ``torchrun``, every process calls this with the same arguments; the first one writes.

    Args:
        data: data set folders (``Train_Folder``, ``Prompts_Folder``, optionally ``Val_Folder``).
        out: model folder to write; also holds log, curve and what is needed to resume.
        settings: how to train; None for the recipe "auto" (see ``recipe_settings``), or those of the resumed run.
        start_from: name or folder of a model or backbone to start from; None starts a small model from scratch. With
            frozen towers a shared backbone stays shared, and only the adapter is written.
        resume: go on with the interrupted run in ``out``.
        progress: called after every step, in the first process.

    Returns:
        The model folder.

    Raises:
        MedCLIPSegError: missing or unreadable data, ``out`` in use, or nothing to resume.
    """
    folders, folder = [Path(name) for name in data], Path(out)
    source = None if start_from is None else find_model(start_from)
    if settings is None:
        settings = begun_settings(folder) if resume else recipe_settings("auto", source)
    if is_alone():  # of several processes the first one checks, while the others wait
        check_request(folders, folder, settings, source, resume)
    from .running import run_training

    named = None if start_from is None else str(start_from)
    with write_failures_in_words():
        run_training(folders, folder, settings, source, resume, progress, named)
    return folder


def is_alone() -> bool:
    """Whether ``torchrun`` started no other process."""
    return int(os.environ.get("WORLD_SIZE", "1")) == 1
