"""The tables of the paper: which cells each needs, and how they are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from MedCLIPSegLogic.errors import MedCLIPSegError

from ..data.prompt_sheets import has_style
from . import published
from .cells import BASELINE, Report, Training, measured_dice
from .configuration import PaperSettings, TableName
from .table_files import Cell, Table

MODEL = "model"
SUMMARY = ("in-domain", "out-of-domain", "harmonic mean")


@dataclass(frozen=True)
class Network:
    """A row's network: its name in the table, and the model its training starts from."""

    name: str
    start_from: str | None


@dataclass(frozen=True)
class Cells:
    """Dice in percent, trained and tested as far as it is not there yet."""

    config: PaperSettings
    report: Report

    @property
    def networks(self) -> list[Network]:
        """The model and, unless it is left out, the U-Net without text."""
        names = [MODEL] if self.config.baseline == "none" else [MODEL, BASELINE]
        return [Network(name, self.config.start_from) for name in names]

    def transfers(self) -> dict[str, list[str]]:
        """Sets to train on with the others to test on; a MedCLIPSegError if there is none."""
        transfers = self.config.transfers()
        _require(transfers, "Train_Folder and Test_Folder that 'transfer' trains on")
        return transfers

    def dice(self, network: Network, source: str, target: str, style: str = "original", share: int = 100) -> float:
        """Of a network trained on one set and tested on one, the mean of all seeds."""
        trainings = [Training(network.name, source, share, seed, network.start_from) for seed in self.config.seeds]
        return 100 * fmean(measured_dice(self.config, t, target, style, self.report) for t in trainings)

    def summary(self, network: Network, style: str = "original") -> tuple[float | None, float | None, float | None]:
        """Means in and out of domain, and their harmonic mean."""
        transfers = self.transfers().items()
        return _summary(
            [self.dice(network, source, source, style) for source, _ in transfers],
            [self.dice(network, source, target, style) for source, targets in transfers for target in targets],
        )

    def notes(self) -> list[str]:
        """How the numbers were made."""
        config = self.config
        seeds = ", ".join(map(str, config.seeds))
        notes = [f"Seeds {seeds}; {config.samples} samples; rows of a sheet: {config.limit or 'all'}."]
        if config.baseline != "none":
            notes.append(f"U-Net: MONAI, no text, same data and changes of the picture, as many {config.baseline}.")
        if config.missing():
            notes.append(f"Left out, as they are not there: {', '.join(config.missing())}.")
        return notes

    def transfer_notes(self) -> list[str]:
        """How the numbers and the published ones were made."""
        pairs = "; ".join(f"{source} to {', '.join(targets)}" for source, targets in published.TRANSFER.items())
        return [f"Published numbers: {pairs}.", *self.notes()]


def data_efficiency(cells: Cells) -> Table:
    """Dice on each set by percent of its training data."""
    sets = cells.config.trained_sets()
    _require(sets, "Train_Folder")
    rows: list[tuple[Cell, ...]] = []
    for share in cells.config.shares:
        for network in cells.networks:
            dice = [cells.dice(network, name, name, share=share) for name in sets]
            known = published.DATA_EFFICIENCY.get(share) if network.name == MODEL else None
            rows.append((f"{share} %", network.name, *dice, fmean(dice), known))
    notes = [f"The published mean is over {', '.join(published.TRAINED_SETS)}.", *cells.notes()]
    columns = ("training data", "network", *sets, "mean", "published mean")
    return Table("Data efficiency: Dice in percent", columns, rows, notes)


def domain_generalization(cells: Cells) -> Table:
    """Trained on one set, tested on others."""
    rows: list[tuple[Cell, ...]] = []
    for network in cells.networks:
        inside: list[float] = []
        outside: list[float] = []
        for source, targets in cells.transfers().items():
            for target in [source, *targets]:
                dice = cells.dice(network, source, target)
                (inside if target == source else outside).append(dice)
                rows.append((network.name, source, target, dice, None))
        known = published.DOMAIN_GENERALIZATION if network.name == MODEL else {}
        for kind, value in zip(("in-domain", "out-of-domain", "harmonic"), _summary(inside, outside), strict=True):
            rows.append((network.name, "mean", kind, value, known.get(kind)))
    columns = ("network", "trained on", "tested on", "Dice", "published")
    return Table("Domain generalization: Dice in percent", columns, rows, cells.transfer_notes())


def prompt_styles(cells: Cells) -> Table:
    """One training, every style of prompts."""
    transfers, config = cells.transfers(), cells.config
    tested = [*transfers, *(target for targets in transfers.values() for target in targets)]
    model, *baselines = cells.networks
    rows: list[tuple[Cell, ...]] = []
    notes = cells.transfer_notes()
    for style in config.styles:
        without = [name for name in tested if not has_style(Path(config.sets[name]), style)]
        if without:
            notes.append(f"No sheet of the style {style}: {', '.join(without)}.")
        summary = (None, None, None) if without else cells.summary(model, style)
        rows.append((style, MODEL, *summary, published.PROMPT_STYLES.get(style)))
    rows += [("no text", network.name, *cells.summary(network), None) for network in baselines]
    if "absent" in config.styles:
        notes.append("Style absent: the thing is not in the image; the number is the share of empty masks in percent.")
    if "neutral" in config.styles:
        notes.append("Style neutral: the thing alone, in wordings that no training uses.")
    columns = ("prompts", "network", *SUMMARY, "published harmonic mean")
    return Table("Prompt styles: Dice in percent", columns, rows, notes)


def backbones(cells: Cells) -> Table:
    """One training for each model to start from."""
    if not cells.config.backbones:
        raise MedCLIPSegError("The configuration names no 'backbones'; add a table of names and model folders.")
    networks = [Network(name, model) for name, model in cells.config.backbones.items()] + cells.networks[1:]
    rows = [(each.name, *cells.summary(each), published.BACKBONES.get(each.name)) for each in networks]
    columns = ("backbone", *SUMMARY, "published harmonic mean")
    return Table("Backbones: Dice in percent", columns, rows, cells.transfer_notes())


PROTOCOLS: dict[TableName, Callable[[Cells], Table]] = {
    "data-efficiency": data_efficiency,
    "domain-generalization": domain_generalization,
    "prompt-styles": prompt_styles,
    "backbones": backbones,
}


def _require(sets: Iterable[str], what: str) -> None:
    if not sets:
        raise MedCLIPSegError(
            f"None of the data sets of the configuration is there with a {what}; mend the paths in 'sets'."
        )


def _summary(inside: list[float], outside: list[float]) -> tuple[float | None, float | None, float | None]:
    """Both means, and the harmonic mean of the two, as published."""
    first, second = (fmean(values) if values else None for values in (inside, outside))
    if first is None or second is None:
        return first, second, None
    return first, second, 2 * first * second / (first + second) if first + second else 0.0
