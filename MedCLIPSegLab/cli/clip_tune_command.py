"""``medclipseg clip-tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..tuning.settings import TuningSettings
from .options import AsJson, Resume, plain_option
from .options_of import options_of
from .printing import print_json
from .progress import progress_bar

if TYPE_CHECKING:
    from ..tuning.running import TuningReport
    from ..tuning.tuner import TuningProgress


@options_of(TuningSettings)
def clip_tune_command(
    pairs: Annotated[
        Path, plain_option(metavar="CSV", help="Table with the columns filename and Caption, among others.")
    ],
    out: Annotated[Path, plain_option(metavar="DIR", help="Folder to write the tuned backbone to.")],
    start_from: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Name or folder of the model or backbone whose towers are tuned.",
            show_default="biomedclip",
        ),
    ] = None,
    validation: Annotated[
        Path | None, plain_option(metavar="CSV", help="Pairs that choose the epoch; without it a share of --pairs.")
    ] = None,
    test: Annotated[
        Path | None, plain_option(metavar="CSV", help="Pairs that choose nothing, for an unbiased retrieval score.")
    ] = None,
    images: Annotated[
        Path | None,
        plain_option(metavar="DIR", help="Folder the file names start from; without it that of each table."),
    ] = None,
    resume: Resume = False,
    as_json: AsJson = False,
    **changes: Any,
) -> None:
    """Tune CLIP's two towers on image-caption pairs with the DHN-NCE loss, as MedCLIP-SAM does.

    Writes a backbone's folder, which [b]train --start-from[/b] takes, with [b]log.csv[/b] and [b]tuning.json[/b]:
    retrieval (top-1 and top-2, both directions) before and after. [b]state.safetensors[/b] is only needed to resume.
    Special characters are stripped from captions and those that are too short dropped. Defaults are as published,
    and where the papers are silent what follows from their code.

    Example: medclipseg clip-tune --pairs medpix.csv --out my-backbone
    """
    from ..tuning.clip_tune import clip_tune
    from ..tuning.request import tuning_settings

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
            progress=lambda step: show(step.done, _detail(step), step.seconds_left),
        )
    if as_json:
        print_json(report)
    else:
        _say(report)


def _detail(step: TuningProgress) -> str:
    loss = "" if step.loss is None else f", loss {step.loss:.3f}"
    top_1 = "" if step.top_1 is None else f", top-1 {100 * step.top_1:.1f} %"
    return f"{step.stage}: {step.detail}{loss}{top_1}"


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
