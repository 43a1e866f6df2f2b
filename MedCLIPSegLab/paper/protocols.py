"""The tables of the paper: which cells each needs, and how they are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

from MedCLIPSegLogic.errors import MedCLIPSegError

from ..data.prompt_sheets import has_style
from . import published
from .cells import BASELINE, Report, Training, measured_dice
from .configuration import PaperSettings, TableName
from .table_files import Cell, Table

Protocol = Callable[[PaperSettings, Report], Table]
MODEL = "model"


def data_efficiency(config: PaperSettings, report: Report) -> Table:
    """Dice on each set by percent of its training data."""
    sets = config.trained_sets()
    _require(sets, "Train_Folder")
    rows: list[tuple[Cell, ...]] = []
    for share in config.shares:
        for name in _networks(config):
            dice = [
                _dice(config, name, config.start_from, set_name, set_name, "original", report, share)
                for set_name in sets
            ]
            known = published.DATA_EFFICIENCY.get(share) if name == MODEL else None
            rows.append((f"{share} %", name, *dice, fmean(dice), known))
    notes = [f"The published mean is over {', '.join(published.TRAINED_SETS)}.", *_notes(config)]
    columns = ("training data", "network", *sets, "mean", "published mean")
    return Table("Data efficiency: Dice in percent", columns, rows, notes)


def domain_generalization(config: PaperSettings, report: Report) -> Table:
    """Trained on one set, tested on others."""
    transfers = _transfers(config)
    rows: list[tuple[Cell, ...]] = []
    for name in _networks(config):
        inside: list[float] = []
        outside: list[float] = []
        for source, targets in transfers.items():
            for target in [source, *targets]:
                dice = _dice(config, name, config.start_from, source, target, "original", report)
                (inside if target == source else outside).append(dice)
                rows.append((name, source, target, dice, None))
        known = published.DOMAIN_GENERALIZATION if name == MODEL else {}
        summary = (("in-domain", _mean(inside)), ("out-of-domain", _mean(outside)))
        rows += [(name, "mean", kind, value, known.get(kind)) for kind, value in summary]
        rows.append((name, "mean", "harmonic", _harmonic(inside, outside), known.get("harmonic")))
    columns = ("network", "trained on", "tested on", "Dice", "published")
    return Table("Domain generalization: Dice in percent", columns, rows, _transfer_notes(config))


def prompt_styles(config: PaperSettings, report: Report) -> Table:
    """One training, every style of prompts."""
    transfers = _transfers(config)
    tested = [*transfers, *(target for targets in transfers.values() for target in targets)]
    rows: list[tuple[Cell, ...]] = []
    without: dict[str, list[str]] = {}
    for style in config.styles:
        without[style] = [name for name in tested if not has_style(Path(config.sets[name]), style)]
        summary = (
            (None, None, None)
            if without[style]
            else _summary(config, MODEL, config.start_from, transfers, style, report)
        )
        rows.append((style, MODEL, *summary, published.PROMPT_STYLES.get(style)))
    if BASELINE in _networks(config):
        summary = _summary(config, BASELINE, config.start_from, transfers, "original", report)
        rows.append(("no text", BASELINE, *summary, None))
    notes = _transfer_notes(config)
    notes += [f"No sheet of the style {style}: {', '.join(names)}." for style, names in without.items() if names]
    if "absent" in config.styles:
        notes.append("Style absent: the thing is not in the image; the number is the share of empty masks in percent.")
    if "neutral" in config.styles:
        notes.append("Style neutral: the thing alone, in wordings that no training uses.")
    columns = ("prompts", "network", "in-domain", "out-of-domain", "harmonic mean", "published harmonic mean")
    return Table("Prompt styles: Dice in percent", columns, rows, notes)


def backbones(config: PaperSettings, report: Report) -> Table:
    """One training for each model to start from."""
    transfers = _transfers(config)
    if not config.backbones:
        raise MedCLIPSegError("The configuration names no 'backbones'; add a table of names and model folders.")
    rows: list[tuple[Cell, ...]] = []
    for name, model in config.backbones.items():
        rows.append(
            (name, *_summary(config, name, model, transfers, "original", report), published.BACKBONES.get(name))
        )
    if config.baseline != "none":
        rows.append((BASELINE, *_summary(config, BASELINE, config.start_from, transfers, "original", report), None))
    columns = ("backbone", "in-domain", "out-of-domain", "harmonic mean", "published harmonic mean")
    return Table("Backbones: Dice in percent", columns, rows, _transfer_notes(config))


PROTOCOLS: dict[TableName, Protocol] = {
    "data-efficiency": data_efficiency,
    "domain-generalization": domain_generalization,
    "prompt-styles": prompt_styles,
    "backbones": backbones,
}


def _dice(
    config: PaperSettings,
    name: str,
    start_from: str | None,
    source: str,
    target: str,
    style: str,
    report: Report,
    share: int = 100,
) -> float:
    """Dice in percent, the mean of all seeds."""
    trainings = [Training(name, source, share, seed, start_from) for seed in config.seeds]
    return 100 * fmean(measured_dice(config, training, target, style, report) for training in trainings)


def _summary(
    config: PaperSettings,
    name: str,
    start_from: str | None,
    transfers: dict[str, list[str]],
    style: str,
    report: Report,
) -> tuple[float | None, float | None, float | None]:
    """Mean Dice in and out of domain, and their harmonic mean."""

    def dice(outside: bool) -> Iterator[float]:
        for source, targets in transfers.items():
            for target in targets if outside else [source]:
                yield _dice(config, name, start_from, source, target, style, report)

    inside, outside = list(dice(False)), list(dice(True))
    return _mean(inside), _mean(outside), _harmonic(inside, outside)


def _networks(config: PaperSettings) -> list[str]:
    return [MODEL] if config.baseline == "none" else [MODEL, BASELINE]


def _transfers(config: PaperSettings) -> dict[str, list[str]]:
    transfers = config.transfers()
    _require(transfers, "Train_Folder and Test_Folder that 'transfer' trains on")
    return transfers


def _require(sets: Sequence[str] | dict[str, list[str]], what: str) -> None:
    if not sets:
        raise MedCLIPSegError(
            f"None of the data sets of the configuration is there with a {what}; mend the paths in 'sets'."
        )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _harmonic(inside: Sequence[float], outside: Sequence[float]) -> float | None:
    """Harmonic mean of the two means, as published."""
    if not inside or not outside:
        return None
    first, second = fmean(inside), fmean(outside)
    return 2 * first * second / (first + second) if first + second else 0.0


def _notes(config: PaperSettings) -> list[str]:
    seeds = ", ".join(str(seed) for seed in config.seeds)
    notes = [f"Seeds {seeds}; {config.samples} samples; rows of a sheet: {config.limit or 'all'}."]
    if config.baseline != "none":
        notes.append(f"U-Net: MONAI, no text, same data and changes of the picture, as many {config.baseline}.")
    if config.missing():
        notes.append(f"Left out, as they are not there: {', '.join(config.missing())}.")
    return notes


def _transfer_notes(config: PaperSettings) -> list[str]:
    pairs = "; ".join(f"{source} to {', '.join(targets)}" for source, targets in published.TRANSFER.items())
    return [f"Published numbers: {pairs}.", *_notes(config)]
