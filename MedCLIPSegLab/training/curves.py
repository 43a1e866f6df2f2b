"""Learning curve of a run: a CSV table and a picture."""

from __future__ import annotations

from pathlib import Path

from MedCLIPSegLogic.files.replacing import replacing, write_csv

LOG_FILE = "log.csv"
CURVE_FILE = "curve.png"
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
            wide = name == "dice_mean"
            below.plot(
                steps,
                [row[name] for row in rows],
                label=name.removeprefix("dice_"),
                linewidth=2.5 if wide else 1,
                color="black" if wide else None,
            )
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
