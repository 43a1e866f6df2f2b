"""``medclipseg train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import MedCLIPSegError
from .progress import progress_bar, time_left


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
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 10_000,
    batch_size: Annotated[int, typer.Option(min=2, help="Image-prompt pairs a step.")] = 8,
    stages: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE:SIZE,...",
            help="Input sizes in order and their share of the steps; by default 0.4:96,0.35:160,0.25:192, or that of "
            "the model to start from.",
            show_default=False,
        ),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="Peak of the schedule.")] = 1e-3,
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Name or folder of a model or backbone to start from, instead of from scratch.", show_default=False
        ),
    ] = None,
    freeze_towers: Annotated[
        bool, typer.Option("--freeze-towers", help="Train adapters and heads only, as published.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 0,
    validate_every: Annotated[int, typer.Option(min=1, help="Steps between two validations.")] = 500,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0 for torch's choice.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted run in the folder.")] = False,
) -> None:
    """Train a model on prompted images and masks.

    Writes [b]model.safetensors[/b], [b]config.json[/b] and [b]vocab.txt[/b], with [b]log.csv[/b], [b]curve.png[/b]
    and [b]training.json[/b]; [b]state.safetensors[/b] is only needed to resume. On the frozen towers of a downloaded
    backbone the weights are an [b]adapter.safetensors[/b] that goes with it.
    """
    from ..training.settings import TrainingSettings
    from ..workflows.train import default_stages, train

    settings = TrainingSettings(
        steps=steps,
        batch_size=batch_size,
        stages=_stages(stages) if stages else default_stages(start_from, out if resume else None),
        learning_rate=learning_rate,
        freeze_towers=freeze_towers,
        seed=seed,
        validate_every=validate_every,
        threads=threads,
    )
    with progress_bar("Training") as show:
        folder = train(
            data,
            out,
            settings,
            start_from=start_from,
            resume=resume,
            progress=lambda p: show(
                p.step / p.steps,
                f"step {p.step} of {p.steps}, loss {p.loss:.3f}, "
                + (f"Dice {p.dice:.3f}, " if p.dice is not None else "")
                + time_left(p.seconds_left),
            ),
        )
    typer.echo(f"The model is in {folder}.")


def _stages(text: str) -> tuple[tuple[float, int], ...]:
    try:
        pairs = [part.split(":") for part in text.split(",")]
        return tuple((float(share), int(size)) for share, size in pairs)
    except ValueError:
        raise MedCLIPSegError(f"The stages '{text}' are not of the form SHARE:SIZE,SHARE:SIZE.") from None
