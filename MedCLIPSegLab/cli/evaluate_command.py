"""``medclipseg evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from MedCLIPSegLogic.errors import MedCLIPSegError

from .progress import progress_bar


def evaluate_command(
    out: Annotated[
        Path, typer.Option(help="Folder for metrics.csv, metrics.json and report.html.", show_default=False)
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="Name of a bundled or installed model (see models list), or a model folder.", show_default=False
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Folder of finished masks named after the images, a result of weak, or a folder of results of segment "
            "or zeroshot, instead of --model; --prompts is then not needed.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Data set folder with Test_Folder and Prompts_Folder; may be given several times.",
            show_default=False,
        ),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="Prompt style of --data; may be repeated. One of the set's own sheets (original, missing_location, "
            "overdescriptive, underdescriptive, contradictory), or made from its original prompts: neutral (the thing "
            "alone), synonyms, reordered, fixed (one short prompt for all images), absent (things that are not there). "
            "The published ones by default.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        Literal["Test", "Val"], typer.Option(help="Images of --data: Test, or Val to choose settings by.")
    ] = "Test",
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, instead of --data.", show_default=False)
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Folder of the known masks or label maps.", show_default=False)
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            help="Sheet (.xlsx or .csv) with the columns Image, Description, Ground Truth and, for label maps, "
            "Label Values.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int, typer.Option(help="Monte-Carlo passes.")] = 10,
    tolerance: Annotated[
        float, typer.Option(help="Of the NSD, in mm; in pixels for pictures without pixel size.")
    ] = 2.0,
    limit: Annotated[int | None, typer.Option(help="First rows of each sheet only.", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier evaluation.")] = False,
) -> None:
    """Compare a model with known masks: overlap, surfaces, calibration, and how well uncertainty finds errors.

    Give data sets with --data, or one sheet with --images, --labels and --prompts. With --masks finished masks are
    compared instead: overlap, surfaces and, where probability or uncertainty maps lie beside them, calibration and how
    well they find errors.
    """
    shared: dict[str, Any] = {"tolerance": tolerance, "limit": limit, "overwrite": overwrite}
    if (model is None) == (masks is None):
        raise MedCLIPSegError("Give either --model, or --masks with finished masks.")
    if masks is not None and (style or (data and (len(data) > 1 or images or labels or prompts))):
        raise MedCLIPSegError("With --masks give one --data without --style, or --images and --labels.")
    with progress_bar("Evaluating") as show:
        shared["progress"] = lambda number, count, score: show(number / count, f"{score.image}: Dice {score.dice:.3f}")
        if masks is not None:
            from ..evaluation.evaluate_masks import evaluate_masks

            folder = data[0] if data else None
            metrics = evaluate_masks(masks, out, images, labels, prompts, folder, split, **shared)
        else:
            metrics = _evaluate_model(str(model), out, data, style, split, images, labels, prompts, samples, shared)
    if masks is not None:
        typer.echo(
            f"{metrics['count']} masks: mean Dice {metrics['dice_mean']:.4f}, median {metrics['dice_median']:.4f}, IoU "
            f"{metrics['iou_mean']:.4f}, {_surface(metrics)} {_floor(metrics)}"
        )
    else:
        for group in metrics["groups"]:
            name = " ".join(part for part in (group["set"], group["style"]) if part)
            typer.echo(f"{name}: {group['count']} prompts, mean Dice {group['dice_mean']:.4f}, {_surface(group)}")
        typer.echo(
            f"{metrics['count']} prompts: mean Dice {metrics['dice_mean']:.4f}, median {metrics['dice_median']:.4f} "
            f"{_floor(metrics)}"
        )
    typer.echo(f"Results in {out}; report.html shows them.")


def _evaluate_model(
    model: str,
    out: Path,
    data: list[Path] | None,
    style: list[str] | None,
    split: Literal["Test", "Val"],
    images: Path | None,
    labels: Path | None,
    prompts: Path | None,
    samples: int,
    shared: dict[str, Any],
) -> dict[str, Any]:
    from ..evaluation.evaluate import evaluate, evaluate_sets

    if data and not (images or labels or prompts):
        return evaluate_sets(model, data, out, style or (), split, samples, **shared)
    if images and labels and prompts and not (data or style):
        return evaluate(model, images, labels, prompts, out, samples, **shared)
    raise MedCLIPSegError("Give either --data, or --images, --labels and --prompts together.")


def _floor(metrics: dict[str, Any]) -> str:
    """What masks that know nothing would get."""
    return f"(empty masks {metrics['dice_empty_mean']:.4f}, everything {metrics['dice_all_foreground_mean']:.4f})"


def _surface(group: dict[str, Any]) -> str:
    auroc = group["pooled"]["auroc_entropy"]
    known = "unknown" if auroc is None else f"{auroc:.3f}"
    return f"NSD {group['nsd_mean']:.4f}, AUROC of entropy {known}"
