"""``medclipseg clip-tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .progress import progress_bar, time_left

if TYPE_CHECKING:
    from ..tuning.clip_tune import TuningReport
    from ..tuning.tuner import TuningProgress

PUBLISHED = {"show_default": "as published"}


def clip_tune_command(
    pairs: Annotated[
        Path,
        typer.Option(
            metavar="CSV", help="Table with the columns filename and Caption, among others.", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder to write the tuned backbone to.", show_default=False)
    ],
    start_from: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Name or folder of the model or backbone whose towers are tuned.",
            show_default="biomedclip",
        ),
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Pairs that choose the epoch; without it a share of --pairs.", show_default=False
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Pairs that choose nothing, for an unbiased retrieval score.", show_default=False
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder the file names start from; without it that of each table.", show_default=False
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Pairs told from each other in a step: 64.", **PUBLISHED)
    ] = None,
    parts: Annotated[
        int | None,
        typer.Option(min=1, help="Parts in which they are computed, to save memory; the loss still compares all."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Most passes over the pairs: 20 unless given.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Epochs without better retrieval after which it ends: 3 unless given.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the first epoch: 1e-6. Small models need far more.", **PUBLISHED)
    ] = None,
    decay: Annotated[
        float | None, typer.Option(help="Factor of the learning rate after every epoch: 0.5.", **PUBLISHED)
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of AdamW: 0.1 unless given.")] = None,
    temperature: Annotated[
        float | None, typer.Option(help="By which similarities are divided: 0.6.", **PUBLISHED)
    ] = None,
    beta_image: Annotated[
        float | None, typer.Option(help="Hardness of captions an image is told from: 0.15.", **PUBLISHED)
    ] = None,
    beta_text: Annotated[
        float | None, typer.Option(help="Hardness of images a caption is told from: 0.15.", **PUBLISHED)
    ] = None,
    reduction: Annotated[
        Literal["mean", "sum"] | None, typer.Option(help="Of the loss over a batch: mean unless given.")
    ] = None,
    validation_share: Annotated[
        float | None, typer.Option(help="Share of the images kept for validation: 0.15.", **PUBLISHED)
    ] = None,
    min_caption: Annotated[
        int | None, typer.Option(min=1, help="Characters below which a caption is dropped: 20.", **PUBLISHED)
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16"] | None, typer.Option(help="Number format: float32 unless given.")
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where to tune.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same run: 0 unless given.")] = None,
    save_every: Annotated[
        int | None, typer.Option(min=1, help="Steps after which an interrupted run can go on: 100 unless given.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=0, help="Processor threads; 0 for torch's choice.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in the folder, with its settings.")
    ] = False,
) -> None:
    """Tune CLIP's two towers on image-caption pairs with the DHN-NCE loss, as MedCLIP-SAM does.

    Writes a backbone's folder, which [b]train --start-from[/b] takes, with [b]log.csv[/b] and [b]tuning.json[/b]:
    retrieval (top-1 and top-2, both directions) before and after. [b]state.safetensors[/b] is only needed to resume.
    Special characters are stripped from captions and those that are too short dropped.

    Example: medclipseg clip-tune --pairs medpix.csv --out my-backbone
    """
    from ..tuning.clip_tune import clip_tune, tuning_settings

    options: dict[str, Any] = {
        "batch_size": batch_size,
        "parts": parts,
        "epochs": epochs,
        "patience": patience,
        "learning_rate": learning_rate,
        "decay": decay,
        "weight_decay": weight_decay,
        "temperature": temperature,
        "beta_image": beta_image,
        "beta_text": beta_text,
        "reduction": reduction,
        "validation_share": validation_share,
        "min_caption": min_caption,
        "precision": precision,
        "device": device,
        "seed": seed,
        "save_every": save_every,
        "threads": threads,
    }
    changes = {name: value for name, value in options.items() if value is not None}
    settings = tuning_settings(out if resume else None, changes)
    with progress_bar("Tuning") as show:
        report = clip_tune(
            pairs,
            out,
            settings,
            start_from,
            validation,
            test,
            images,
            resume,
            progress=lambda step: show(step.done, _detail(step)),
        )
    _say(report)


def _detail(step: TuningProgress) -> str:
    loss = "" if step.loss is None else f", loss {step.loss:.3f}"
    top_1 = "" if step.top_1 is None else f", top-1 {100 * step.top_1:.1f} %"
    return f"{step.stage}: {step.detail}{loss}{top_1}, {time_left(step.seconds_left)}"


def _say(report: TuningReport) -> None:
    for role, after in report.after.items():
        before = report.before[role]
        typer.echo(
            f"Retrieval on {after.pairs} {role} pairs, batches of up to 50, mean ± deviation of 5 shuffles in %:"
        )
        for name in ("image_to_text_top_1", "image_to_text_top_2", "text_to_image_top_1", "text_to_image_top_2"):
            old, new = getattr(before, name), getattr(after, name)
            words = name.replace("_", " ").replace("top ", "top-")
            typer.echo(
                f"  {words:20} {100 * old.mean:6.2f} ± {100 * old.std:4.2f}  ->  {100 * new.mean:6.2f} ± "
                f"{100 * new.std:4.2f}"
            )
        typer.echo(
            f"  by chance            {100 * after.chance_top_1:6.2f} (top-1), {100 * after.chance_top_2:.2f} (top-2)"
        )
    if report.best_epoch == 0:
        typer.echo(
            f"None of {report.epochs} epochs was better than the start; {report.folder} holds the towers unchanged."
        )
    else:
        typer.echo(f"The towers of epoch {report.best_epoch} of {report.epochs} are in {report.folder}.")
