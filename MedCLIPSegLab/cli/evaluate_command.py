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
    from ..evaluation.evaluate import evaluate, evaluate_sets

    if masks is not None and model is None:
        if style or (data and (len(data) > 1 or images or labels or prompts)):
            raise MedCLIPSegError("With --masks give one --data without --style, or --images and --labels.")
        _evaluate_masks(
            masks, out, images, labels, prompts, data[0] if data else None, split, tolerance, limit, overwrite
        )
        return
    if model is None or masks is not None:
        raise MedCLIPSegError("Give either --model, or --masks with finished masks.")
    with progress_bar("Evaluating") as show:
        settings: dict[str, Any] = {
            "samples": samples,
            "tolerance": tolerance,
            "limit": limit,
            "overwrite": overwrite,
            "progress": lambda number, count, score: show(number / count, f"{score.image}: Dice {score.dice:.3f}"),
        }
        if data and not (images or labels or prompts):
            metrics = evaluate_sets(model, data, out, style or (), split, **settings)
        elif images and labels and prompts and not (data or style):
            metrics = evaluate(model, images, labels, prompts, out, **settings)
        else:
            raise MedCLIPSegError("Give either --data, or --images, --labels and --prompts together.")
    for group in metrics["groups"]:
        name = " ".join(part for part in (group["set"], group["style"]) if part)
        typer.echo(f"{name}: {group['count']} prompts, mean Dice {group['dice_mean']:.4f}, {_surface(group)}")
    typer.echo(
        f"{metrics['count']} prompts: mean Dice {metrics['dice_mean']:.4f}, median {metrics['dice_median']:.4f} "
        f"(empty masks {metrics['dice_empty_mean']:.4f}, everything {metrics['dice_all_foreground_mean']:.4f})"
    )
    typer.echo(f"Results in {out}; report.html shows them.")


def _evaluate_masks(
    masks: Path,
    out: Path,
    images: Path | None,
    labels: Path | None,
    prompts: Path | None,
    data: Path | None,
    split: Literal["Test", "Val"],
    tolerance: float,
    limit: int | None,
    overwrite: bool,
) -> None:
    from ..evaluation.evaluate_masks import evaluate_masks

    with progress_bar("Evaluating") as show:
        metrics = evaluate_masks(
            masks,
            out,
            images,
            labels,
            prompts,
            data,
            split,
            tolerance,
            limit,
            overwrite,
            lambda number, count, score: show(number / count, f"{score.image}: Dice {score.dice:.3f}"),
        )
    typer.echo(
        f"{metrics['count']} masks: mean Dice {metrics['dice_mean']:.4f}, median {metrics['dice_median']:.4f}, IoU "
        f"{metrics['iou_mean']:.4f}, {_surface(metrics)} (empty masks {metrics['dice_empty_mean']:.4f}, everything "
        f"{metrics['dice_all_foreground_mean']:.4f})"
    )
    typer.echo(f"Results in {out}; report.html shows them.")


def _surface(group: dict[str, Any]) -> str:
    auroc = group["pooled"]["auroc_entropy"]
    known = "unknown" if auroc is None else f"{auroc:.3f}"
    return f"NSD {group['nsd_mean']:.4f}, AUROC of entropy {known}"
