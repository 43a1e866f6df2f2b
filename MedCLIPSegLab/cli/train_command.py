"""``medclipseg train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from MedCLIPSegLogic.errors import MedCLIPSegError, quoted

from ..training.settings import TrainingSettings
from .know_command import Kinds, named_values
from .options import AsJson, Resume, plain_option
from .options_of import options_of
from .printing import print_json
from .progress import IS_FIRST_PROCESS, progress_bar


@options_of(TrainingSettings, {"freeze_towers": "--freeze-towers/--whole-network"}, defaults=False)
def train_command(
    data: Annotated[
        list[Path],
        plain_option(
            help="Data set folder with Train_Folder/{img,label}, Prompts_Folder/Train_text.xlsx or .csv and, if "
            "wanted, the same for Val; repeat to mix data sets."
        ),
    ],
    out: Annotated[Path, plain_option(help="Model folder to write.")],
    start_from: Annotated[
        str | None, plain_option(help="Name or folder of a model or backbone to start from, instead of from scratch.")
    ] = None,
    recipe: Annotated[
        Literal["auto", "small", "published"],
        typer.Option(
            help="Settings to begin with: published (adapters only, as in the paper), small (whole network, prompt "
            "styles, mosaics); auto is published for a CLIP-sized --start-from and small otherwise."
        ),
    ] = "auto",
    settings: Annotated[
        Path | None, plain_option(metavar="FILE", help="TOML or JSON file with any fields of training.json's settings.")
    ] = None,
    stages: Annotated[
        str | None, plain_option(metavar="SHARE:SIZE,...", help="Input sizes in order and their share of the steps.")
    ] = None,
    prompt_styles: Annotated[
        bool | None,
        typer.Option(help="Short, vague, over-described prompts, synonyms, and prompts for what is not there."),
    ] = None,
    mosaics: Annotated[
        bool | None, typer.Option(help="Several images in one, or one of several findings, asked for by place or size.")
    ] = None,
    kind: Kinds = None,
    resume: Resume = False,
    as_json: AsJson = False,
    **changes: Any,
) -> None:
    """Train a model on prompted images and masks. What is not given comes from the recipe.

    Writes [b]model.safetensors[/b], [b]config.json[/b] and [b]vocab.txt[/b], with [b]log.csv[/b], [b]curve.png[/b],
    [b]training.json[/b], and [b]knowledge.json[/b], which says what the model knows; [b]state.safetensors[/b] is only
    needed to resume. On the frozen towers of a downloaded backbone the weights are an [b]adapter.safetensors[/b] that
    goes with it. For several graphics cards or machines:
    [b]torchrun --nproc-per-node 4 -m MedCLIPSegLab train ...[/b]

    Example: medclipseg train --data BUSI --start-from unimedclip --out my-model
    """
    from ..training.request import TRAINING_RUN, training_settings
    from ..training.train import train

    if stages is not None:
        changes["stages"] = _stages(stages)
    for name, on in (("styles", prompt_styles), ("composition", mosaics)):
        if on is not None:
            changes[name] = {} if on else None
    if kind:
        changes["kinds"] = named_values(kind, "SET=NAME")
    if "steps" in changes:
        changes.setdefault("epochs", None)
    chosen = training_settings(out if resume else None, recipe, start_from, settings, changes)
    with progress_bar("Training") as show:
        folder = train(
            data,
            out,
            chosen,
            start_from=start_from,
            resume=resume,
            progress=lambda p: show(
                p.step / p.steps,
                f"step {p.step} of {p.steps}, loss {p.loss:.3f}" + ("" if p.dice is None else f", Dice {p.dice:.3f}"),
                p.seconds_left,
            ),
        )
    if not IS_FIRST_PROCESS:
        return
    record = TRAINING_RUN.read(folder)
    if as_json:
        print_json({"model": folder, **record})
        return
    typer.echo(_came_to(record))
    typer.echo(f"The model is in {folder}.")


def _came_to(record: dict[str, Any]) -> str:
    """Loss and Dice of the last validation, and the best Dice."""
    last, best = record["last"], record["best"]
    loss = f"Loss {last['loss']:.4f} at step {last['step']:.0f}"
    if best is None:
        return f"{loss}; there were no images to validate on, so no Dice is known."
    sets = [f"{name.removeprefix('dice_')} {dice:.3f}" for name, dice in last.items() if name.startswith("dice_")]
    names = ", ".join(text for text in sets if not text.startswith("mean "))
    return (
        f"{loss}, mean validation Dice {last['dice_mean']:.3f} ({names}); the best was {best['dice_mean']:.3f} at step "
        f"{best['step']:.0f}, and the model has the {record['settings']['keep']} weights."
    )


def _stages(text: str) -> list[list[float | int]]:
    try:
        pairs = [part.split(":") for part in text.split(",")]
        return [[float(share), int(size)] for share, size in pairs]
    except ValueError:
        raise MedCLIPSegError(f"The stages '{quoted(text)}' are not of the form SHARE:SIZE,SHARE:SIZE.") from None
