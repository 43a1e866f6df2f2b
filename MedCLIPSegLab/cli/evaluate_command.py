"""``medclipseg evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import MedCLIPSegLogic
from MedCLIPSegLogic.errors import MedCLIPSegError, listed

from ..evaluation.settings import EvaluationSettings
from .options import AsJson, Overwrite, plain_option
from .options_of import options_of
from .printing import print_json
from .progress import progress_bar


@options_of(EvaluationSettings)
def evaluate_command(
    out: Annotated[Path, plain_option(help="Folder for metrics.csv, metrics.json and report.html.")],
    model: Annotated[
        str | None, plain_option(help="Name of a bundled or installed model (see models list), or a model folder.")
    ] = None,
    masks: Annotated[
        Path | None,
        plain_option(
            help="Folder of finished masks named after the images, a result of weak, or a folder of results of segment "
            "or zeroshot, instead of --model; --prompts is then not needed."
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        plain_option(help="Data set folder with Test_Folder and Prompts_Folder; may be given several times."),
    ] = None,
    style: Annotated[
        list[str] | None,
        plain_option(
            help="Prompt style of --data; may be repeated. One of the set's own sheets (original, missing_location, "
            "overdescriptive, underdescriptive, contradictory), or made from its original prompts: alone (the thing "
            "and nothing else), plural, article, upper_case, unseen_synonyms, neutral (the thing alone in sentences no "
            "training uses), synonyms, reordered, fixed (one short prompt for all images), absent (things that are not "
            "there), denied (prompts that deny them). "
            "The published ones by default."
        ),
    ] = None,
    images: Annotated[Path | None, plain_option(help="Folder of the images, instead of --data.")] = None,
    labels: Annotated[Path | None, plain_option(help="Folder of the known masks or label maps.")] = None,
    prompts: Annotated[
        Path | None,
        plain_option(
            help="Sheet (.xlsx or .csv) with the columns Image, Description, Ground Truth and, for label maps, "
            "Label Values."
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    **choices: Any,
) -> None:
    """Compare a model with known masks: overlap, surfaces, calibration, and how well uncertainty finds errors.

    Give data sets with --data, or one sheet with --images, --labels and --prompts. With --masks finished masks are
    compared instead: overlap, surfaces and, where probability or uncertainty maps lie beside them, calibration and how
    well they find errors. Images without one are left out and named.
    """
    if (model is None) == (masks is None):
        raise MedCLIPSegError("Give either --model, or --masks with finished masks.")
    if masks is not None and (style or (data and (len(data) > 1 or images or labels or prompts))):
        raise MedCLIPSegError("With --masks give one --data without --style, or --images and --labels.")
    of_models = [f"--{name}" for name in ("samples", "seed", "device") if name in choices]
    if masks is not None and of_models:
        raise MedCLIPSegError(f"Finished masks need no {' and no '.join(of_models)}; these are for --model.")
    with progress_bar("Evaluating") as show:
        choices |= {
            "overwrite": overwrite,
            "progress": lambda number, count, score: show(number / count, f"{score.image}: Dice {score.dice:.3f}"),
        }
        if masks is not None:
            folder = data[0] if data else None
            metrics = MedCLIPSegLogic.evaluate_masks(masks, out, images, labels, prompts, folder, **choices)
        elif data and not (images or labels or prompts):
            metrics = MedCLIPSegLogic.evaluate_sets(str(model), data, out, style or (), **choices)
        elif images and labels and prompts and not (data or style):
            metrics = MedCLIPSegLogic.evaluate(str(model), images, labels, prompts, out, **choices)
        else:
            raise MedCLIPSegError("Give either --data, or --images, --labels and --prompts together.")
    if as_json:
        print_json(metrics)
        return
    if masks is not None:
        typer.echo(
            f"{metrics['count']} masks: mean Dice {metrics['dice_mean']:.4f}, median {metrics['dice_median']:.4f}, IoU "
            f"{metrics['iou_mean']:.4f}, {_surface(metrics)} {_floor(metrics)}"
        )
        for name in ("without_mask", "without_known_mask"):
            if metrics[name]:
                words = name.replace("_", " a ", 1).replace("_", " ")
                typer.echo(f"Not counted, {len(metrics[name])} {words}: {listed(metrics[name])}.")
    else:
        for group in metrics["groups"]:
            name = " ".join(part for part in (group["set"], group["style"]) if part)
            typer.echo(f"{name}: {group['count']} prompts, mean Dice {group['dice_mean']:.4f}, {_surface(group)}")
        typer.echo(
            f"{metrics['count']} prompts: mean Dice {metrics['dice_mean']:.4f}, median {metrics['dice_median']:.4f} "
            f"{_floor(metrics)}"
        )
    typer.echo(f"Results in {out}; report.html shows them.")


def _floor(metrics: dict[str, Any]) -> str:
    """What masks that know nothing would get."""
    return f"(empty masks {metrics['dice_empty_mean']:.4f}, everything {metrics['dice_all_foreground_mean']:.4f})"


def _surface(group: dict[str, Any]) -> str:
    auroc = group["pooled"]["auroc_entropy"]
    known = "unknown" if auroc is None else f"{auroc:.3f}"
    return f"NSD {group['nsd_mean']:.4f}, AUROC of entropy {known}"
