"""``medclipseg weak``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import MedCLIPSegLogic
from MedCLIPSegLogic.runs.choices import OF_METHODS, ChainChoices

from ..weak.settings import WeakSettings
from .options import AsJson, plain_option
from .options_of import options_of
from .printing import print_json
from .progress import progress_bar

STAGES = {
    "pseudo-masks": "Pseudo-mask {0.number} of {0.count}: {0.detail}",
    "preparing": "Preparing {0.detail}: image {0.number} of {0.count}",
    "training": "Training {0.number} of {0.count}: {0.detail}",
    "predicting": "Predicting {0.number} of {0.count}: {0.detail}",
}


@options_of(WeakSettings)
@options_of(ChainChoices, {"towers": "--model"}, {"object_prompts", "padding", "points", "binarization"})
def weak_command(
    images: Annotated[Path, plain_option(help="Folder of the 2-D images to learn from.")],
    out: Annotated[Path, plain_option(help="Folder for network and masks; also to go on with.")],
    prompts: Annotated[
        Path | None,
        plain_option(
            help="Sheet (.csv or .xlsx) with the columns Image, Description and, for a network a class, Class."
        ),
    ] = None,
    prompt: Annotated[str | None, plain_option(help="What to look for in all images, instead of --prompts.")] = None,
    predict: Annotated[
        Path | None, plain_option(help="Folder of the images to segment; those of --images by default.")
    ] = None,
    as_json: AsJson = False,
    **choices: Any,
) -> None:
    """Train a network on images and prompts without masks (MedCLIP-SAM, MedCLIP-SAMv2), and segment with it.

    Masks made without training data (see [b]zeroshot[/b]) are what it learns from. Writes [b]pseudo[/b], the network,
    [b]masks[/b], [b]probability[/b], [b]uncertainty[/b] (entropy in bits), [b]images.csv[/b] and [b]weak.json[/b];
    the same command goes on with an interrupted run. [b]evaluate --masks[/b] compares the masks with known ones.

    Example: medclipseg weak --images train --prompts prompts.csv --predict test --out result
    """
    chain = {name: choices.pop(name) for name in OF_METHODS if name in choices}
    with progress_bar("Learning") as show:
        record = MedCLIPSegLogic.weak(
            images,
            out,
            prompts=prompts,
            prompt=prompt,
            predict=predict,
            settings=WeakSettings(**choices),
            model=chain.pop("towers", None),
            progress=lambda step: show(step.number / step.count, STAGES[step.stage].format(step)),
            **chain,
        )
    if as_json:
        print_json(record)
        return
    without = record["images_without_prompt"]
    if without:
        typer.echo(f"{len(without)} images have no prompt and were not learned from, such as {without[0]}.")
    for entry in record["classes"]:
        name = f"{entry['class']}: " if entry["class"] else ""
        typer.echo(
            f"{name}{entry['pseudo_masks']} pseudo-masks, {len(entry['empty_pseudo_masks'])} of them empty; "
            f"{entry['predicted']} images segmented, nothing found in {entry['empty_masks']}"
        )
    typer.echo(f"Results in {out}.")
