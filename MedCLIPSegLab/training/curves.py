"""What a run logs: a CSV table, its learning curve as a picture, and TensorBoard's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import replacing, write_csv

LOG_FILE = "log.csv"
CURVE_FILE = "curve.png"
TENSORBOARD_FOLDER = "tensorboard"
Row = dict[str, float]


def write_log(folder: Path, rows: list[Row]) -> None:
    """Write ``log.csv``, one row a validation."""
    columns = list(rows[-1])
    write_csv(folder / LOG_FILE, columns, ([row.get(name) for name in columns] for row in rows))


def draw_curve(folder: Path, rows: list[Row]) -> None:
    """Write ``curve.png``: training loss and its parts above, validation Dice of each set below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    steps = [row["step"] for row in rows]
    for name in rows[-1]:
        if name.startswith("loss"):
            label = name.removeprefix("loss_").replace("_", " ") if name != "loss" else "total"
            above.plot(steps, [row[name] for row in rows], label=label, linewidth=2 if name == "loss" else 1)
        elif name.startswith("dice_"):
            width, color = (2.5, "black") if name == "dice_mean" else (1, None)
            values = [row[name] for row in rows]
            below.plot(steps, values, label=name.removeprefix("dice_"), linewidth=width, color=color)
    above.set_ylabel("training loss")
    below.set_ylabel("validation Dice")
    below.set_xlabel("step")
    below.set_ylim(0, 1)
    for axes in (above, below):
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, ncols=2)
    with replacing(folder / CURVE_FILE) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


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
