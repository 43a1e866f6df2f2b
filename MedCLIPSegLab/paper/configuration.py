"""The configuration file of the paper's tables. Read without loading torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked, from_json
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted

from ..training.settings_file import read_table
from .published import PROMPT_STYLES, TRANSFER

TableName = Literal["data-efficiency", "domain-generalization", "prompt-styles", "backbones"]


@checked
@dataclass(frozen=True)
class PaperSettings:
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

    sets: Annotated[dict[str, str], Field(min_length=1)]
    out: str = "benchmark"
    train_on: tuple[str, ...] = ()
    transfer: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(TRANSFER))
    shares: Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1)] = (10, 25, 50, 100)
    styles: tuple[str, ...] = (*PROMPT_STYLES, "neutral", "absent")
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (666,)
    samples: Annotated[int, Field(ge=1, le=1000)] = 30
    limit: Annotated[int | None, Field(ge=1)] = None
    recipe: Literal["auto", "small", "published"] = "auto"
    start_from: str | None = None
    training: dict[str, Any] = field(default_factory=dict)
    backbones: dict[str, str] = field(default_factory=dict)
    baseline: Literal["steps", "seconds", "none"] = "steps"
    unet_channels: Annotated[tuple[int, ...], Field(min_length=2)] = (16, 32, 64, 128, 256)

    def __post_init__(self) -> None:
        named = {*self.train_on}
        if self.transfer != TRANSFER:
            named |= {*self.transfer, *(name for names in self.transfer.values() for name in names)}
        for name in sorted(named - {*self.sets}):
            raise MedCLIPSegError(f"The set '{quoted(name)}' is not among 'sets'.")
        for name in ("data_share", "seed"):
            if name in self.training:
                raise MedCLIPSegError(f"The setting 'training.{name}' is set by 'shares' and 'seeds'.")

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


def read_configuration(path: Path) -> PaperSettings:
    """Read a TOML or JSON file.

    Raises:
        MedCLIPSegError: it is missing or damaged, or a field is unknown or out of range.
    """
    data = read_table(path)
    try:
        config = from_json(PaperSettings, data)
    except MedCLIPSegError as error:
        raise MedCLIPSegError(f"{path}: {error}") from None
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
