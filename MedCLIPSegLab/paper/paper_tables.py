"""Run a table of the paper end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.inference.request import check_threads
from MedCLIPSegLogic.model.catalog import find_model

from ..run_folder import RunKind
from .configuration import TableName, read_configuration

PAPER_RUN = RunKind("tables", "paper-tables.json")


def paper_tables(
    table: TableName,
    config: str | Path,
    progress: Callable[[str, float], None] | None = None,
    threads: str | int = "auto",
) -> tuple[Path, Path]:
    """Train, evaluate and write one table as Markdown and CSV.

    What is finished is not run again, what was interrupted goes on.

    Args:
        table: of the paper.
        config: TOML or JSON file, see :class:`PaperSettings`.
        progress: called with what is being done and the share of it that is done (0…1).
        threads: of the processor; "auto" for what other programs leave.

    Returns:
        The Markdown and the CSV file, in the configuration's ``out``.

    Raises:
        MedCLIPSegError: bad configuration or data; finished cells are kept.
    """
    if table not in get_args(TableName):
        raise MedCLIPSegError(f"There is no table '{table}'; take one of {', '.join(get_args(TableName))}.")
    checked_threads = check_threads(threads)
    settings = read_configuration(Path(config))
    if not any(Path(folder).is_dir() for folder in settings.sets.values()):
        raise MedCLIPSegError("None of the data sets of the configuration is there; mend the paths in 'sets'.")
    for model in (settings.start_from, *settings.backbones.values()):
        if model is not None:
            find_model(model)
    out = Path(settings.out)
    with write_failures_in_words(), PAPER_RUN.claimed(out):
        from MedCLIPSegLogic.inference.threads import threads_for

        from .protocols import PROTOCOLS, Cells

        with threads_for(checked_threads):
            return PROTOCOLS[table](Cells(settings, progress or (lambda what, share: None))).write(out, table)
