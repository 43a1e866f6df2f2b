"""The configuration file of a benchmark."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.typed_json import dataclass_from_json

from ..training.settings_file import read_table
from .published import PROMPT_STYLES, TRANSFER


@dataclass(frozen=True)
class BenchmarkConfig:
    """What to run; paths are relative to the file.

    Args:
        sets: data set folders by name; those that are not there are left out and named in the table.
        out: folder for models, scores and tables.
        train_on: sets of the table of data efficiency; empty for all that have training data.
        transfer: sets to test on by the set trained on; the published ones by default.
        shares: percent of the training data.
        styles: prompt styles, the endings of the sheets ``Test_text_<style>``; "neutral" (wordings never trained on)
            and "absent" (things that are not there, to be answered with an empty mask) are made from "original".
        seeds: one run each; tables give the mean.
        samples: Monte-Carlo passes of an evaluation.
        limit: rows of a sheet; None for all.
        recipe: of the training.
        start_from: model name or folder; None trains small models from scratch.
        training: settings that replace those of the recipe.
        backbones: models to start from by name, for the table of backbones.
        baseline: budget of the U-Net without text: as many "steps" or "seconds" as the model; "none" for no U-Net.
        unet_channels: of its levels.
    """

    sets: dict[str, str]
    out: str = "benchmark"
    train_on: tuple[str, ...] = ()
    transfer: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(TRANSFER))
    shares: tuple[int, ...] = (10, 25, 50, 100)
    styles: tuple[str, ...] = (*PROMPT_STYLES, "neutral", "absent")
    seeds: tuple[int, ...] = (666,)
    samples: int = 30
    limit: int | None = None
    recipe: Literal["auto", "small", "published"] = "auto"
    start_from: str | None = None
    training: dict[str, Any] = field(default_factory=dict)
    backbones: dict[str, str] = field(default_factory=dict)
    baseline: Literal["steps", "seconds", "none"] = "steps"
    unet_channels: tuple[int, ...] = (16, 32, 64, 128, 256)

    def __post_init__(self) -> None:
        if not self.sets:
            raise MedCLIPSegError("the field 'sets' names no data set.")
        named = {*self.train_on, *(name for names in self.transfer.values() for name in names), *self.transfer}
        unknown = (
            sorted(named - set(self.sets)) if self.transfer != TRANSFER else sorted({*self.train_on} - {*self.sets})
        )
        if unknown:
            raise MedCLIPSegError(f"the set '{unknown[0]}' is not among 'sets'.")
        if not self.seeds or not self.shares or not all(1 <= share <= 100 for share in self.shares):
            raise MedCLIPSegError("the fields 'seeds' and 'shares' must not be empty, and shares lie in 1 to 100.")
        if len(self.unet_channels) < 2:
            raise MedCLIPSegError("the field 'unet_channels' must name at least two levels.")
        for name in ("data_share", "seed"):
            if name in self.training:
                raise MedCLIPSegError(f"the field 'training.{name}' is set by 'shares' and 'seeds'.")

    def trained_sets(self) -> list[str]:
        """Sets of the table of data efficiency that are there."""
        return [name for name in self.train_on or self.sets if (Path(self.sets[name]) / "Train_Folder").is_dir()]

    def transfers(self) -> dict[str, list[str]]:
        """Sets to train on with the other sets to test on, as far as they are there."""
        return {
            source: [name for name in targets if self.is_there(name)]
            for source, targets in self.transfer.items()
            if self.is_there(source) and (Path(self.sets[source]) / "Train_Folder").is_dir()
        }

    def is_there(self, name: str) -> bool:
        """True if a set can be tested on."""
        return name in self.sets and (Path(self.sets[name]) / "Test_Folder").is_dir()

    def missing(self) -> list[str]:
        """Sets that are named but not there."""
        return [name for name in self.sets if not self.is_there(name)]


def read_configuration(path: Path) -> BenchmarkConfig:
    """Read a TOML or JSON file.

    Raises:
        MedCLIPSegError: it is missing or damaged, or a field is unknown or out of range.
    """
    data = read_table(path)
    try:
        config = cast(BenchmarkConfig, dataclass_from_json(BenchmarkConfig, data))
    except MedCLIPSegError as error:
        raise MedCLIPSegError(f"The configuration {path} cannot be used: {error}") from None
    base = path.absolute().parent
    return dataclasses.replace(
        config,
        out=str(base / config.out),
        sets={name: str(base / folder) for name, folder in config.sets.items()},
        start_from=_model(config.start_from, base) if config.start_from else None,
        backbones={name: _model(model, base) for name, model in config.backbones.items()},
    )


def _model(name: str, base: Path) -> str:
    """A folder beside the file, or else a name that the program knows."""
    return str(base / name) if (base / name).is_dir() else name
