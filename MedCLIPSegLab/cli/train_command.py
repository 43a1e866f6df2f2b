"""``medclipseg train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from MedCLIPSegLogic.errors import MedCLIPSegError

from .progress import progress_bar, time_left

if TYPE_CHECKING:
    from ..training.settings import TrainingSettings

FROM_RECIPE = {"show_default": "from the recipe"}


def train_command(
    data: Annotated[
        list[Path],
        typer.Option(
            help="Data set folder with Train_Folder/{img,label}, Prompts_Folder/Train_text.xlsx or .csv and, if "
            "wanted, the same for Val; repeat to mix data sets.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Model folder to write.", show_default=False)],
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Name or folder of a model or backbone to start from, instead of from scratch.", show_default=False
        ),
    ] = None,
    recipe: Annotated[
        Literal["auto", "small", "published"],
        typer.Option(
            help="Settings to begin with: published (adapters only, as in the paper), small (whole network, prompt "
            "styles, mosaics); auto is published for a CLIP-sized --start-from and small otherwise."
        ),
    ] = "auto",
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="TOML or JSON file with any fields of training.json's settings.", show_default=False
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps.", **FROM_RECIPE)] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data, instead of steps.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Image-prompt pairs a step, over all processes.", **FROM_RECIPE)
    ] = None,
    accumulation: Annotated[
        int | None, typer.Option(min=1, help="Parts in which they are computed, to save memory.", **FROM_RECIPE)
    ] = None,
    stages: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE:SIZE,...", help="Input sizes in order and their share of the steps.", **FROM_RECIPE
        ),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the schedule.", **FROM_RECIPE)] = None,
    freeze_towers: Annotated[
        bool | None,
        typer.Option("--freeze-towers/--whole-network", help="What is trained: adapters and heads only, or all."),
    ] = None,
    data_share: Annotated[
        int | None,
        typer.Option(
            min=1, max=100, help="Percent of the training images: the sheet Train_text_10 and so on, or a random draw."
        ),
    ] = None,
    dice: Annotated[
        Literal["per-image", "published-rows"] | None, typer.Option(help="Dice loss.", **FROM_RECIPE)
    ] = None,
    prompt_styles: Annotated[
        bool | None,
        typer.Option(help="Short, vague, over-described prompts, synonyms, and prompts for what is not there."),
    ] = None,
    mosaics: Annotated[
        bool | None, typer.Option(help="Several images in one, or one of several findings, asked for by place or size.")
    ] = None,
    stochastic_head: Annotated[
        bool | None,
        typer.Option("--stochastic-head", help="Let the mask head draw from a distribution too.", **FROM_RECIPE),
    ] = None,
    keep: Annotated[
        Literal["average", "latest", "best"] | None,
        typer.Option(help="Weights that become the model; the others lie in folders of their own.", **FROM_RECIPE),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Validations without a better Dice after which the run ends.")
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None, typer.Option(help="Number format.", **FROM_RECIPE)
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where to train.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same run.", **FROM_RECIPE)] = None,
    validate_every: Annotated[
        int | None, typer.Option(min=1, help="Steps between two validations.", **FROM_RECIPE)
    ] = None,
    threads: Annotated[int | None, typer.Option(min=0, help="Processor threads; 0 for torch's choice.")] = None,
    tensorboard: Annotated[bool | None, typer.Option("--tensorboard", help="Also log for TensorBoard.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in the folder, with its settings.")
    ] = False,
) -> None:
    """Train a model on prompted images and masks.

    Writes [b]model.safetensors[/b], [b]config.json[/b] and [b]vocab.txt[/b], with [b]log.csv[/b], [b]curve.png[/b]
    and [b]training.json[/b]; [b]state.safetensors[/b] is only needed to resume. On the frozen towers of a downloaded
    backbone the weights are an [b]adapter.safetensors[/b] that goes with it. For several graphics cards or machines:
    [b]torchrun --nproc-per-node 4 -m MedCLIPSegLab train ...[/b]

    Example: medclipseg train --data BUSI --start-from unimedclip --out my-model
    """
    from ..training.train import train, training_settings

    options: dict[str, Any] = {
        "steps": steps,
        "epochs": epochs,
        "batch_size": batch_size,
        "accumulation": accumulation,
        "stages": None if stages is None else _stages(stages),
        "learning_rate": learning_rate,
        "freeze_towers": freeze_towers,
        "stochastic_head": stochastic_head,
        "data_share": data_share,
        "dice": dice,
        "keep": keep,
        "patience": patience,
        "precision": precision,
        "device": device,
        "seed": seed,
        "validate_every": validate_every,
        "threads": threads,
        "tensorboard": tensorboard,
    }
    changes = {name: value for name, value in options.items() if value is not None}
    changes |= {
        name: {} if on else None for name, on in (("styles", prompt_styles), ("composition", mosaics)) if on is not None
    }
    if steps is not None and epochs is None:
        changes["epochs"] = None
    chosen: TrainingSettings = training_settings(out if resume else None, recipe, start_from, settings, changes)
    with progress_bar("Training") as show:
        folder = train(
            data,
            out,
            chosen,
            start_from=start_from,
            resume=resume,
            progress=lambda p: show(
                p.step / p.steps,
                f"step {p.step} of {p.steps}, loss {p.loss:.3f}, "
                + (f"Dice {p.dice:.3f}, " if p.dice is not None else "")
                + time_left(p.seconds_left),
            ),
        )
    if os.environ.get("RANK", "0") == "0":  # torchrun numbers its processes
        typer.echo(f"The model is in {folder}.")


def _stages(text: str) -> list[list[float | int]]:
    try:
        pairs = [part.split(":") for part in text.split(",")]
        return [[float(share), int(size)] for share, size in pairs]
    except ValueError:
        raise MedCLIPSegError(f"The stages '{text}' are not of the form SHARE:SIZE,SHARE:SIZE.") from None
