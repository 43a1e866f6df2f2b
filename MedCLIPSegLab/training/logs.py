"""Log of a run for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError

from .curves import Row

TENSORBOARD_FOLDER = "tensorboard"


class TensorBoardLog:
    """Writes every number of the log to ``tensorboard/``.

    Args:
        folder: of the run.
        first_step: later entries of an interrupted run are dropped.

    Raises:
        MedCLIPSegError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MedCLIPSegError(
                'TensorBoard is not installed; run pip install "medclipseg[lab]" or leave out --tensorboard.'
            ) from None
        self._writer: Any = SummaryWriter(str(folder / TENSORBOARD_FOLDER), purge_step=first_step)

    def add(self, row: Row) -> None:
        """Log one row of the table."""
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(name.replace("_", "/", 1), value, int(row["step"]))
        self._writer.flush()
