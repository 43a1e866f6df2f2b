"""``medclipseg zeroshot``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .options import (
    AsJson,
    Design,
    Device,
    Input,
    Kind,
    Method,
    Out,
    Overwrite,
    Plane,
    Preset,
    Prompts,
    PromptSets,
    Slices,
    Study,
    Window,
)
from .progress import progress_bar, time_left
from .sizes import size_text

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress


def zeroshot_command(
    input: Input,
    prompt: Prompts,
    out: Out,
    method: Annotated[
        Method,
        typer.Option(help="medclip-sam: gScoreCAM and dense CRF; medclip-sam-v2: M2IB and Otsu's threshold."),
    ] = "medclip-sam-v2",
    model: Annotated[
        str | None,
        typer.Option(
            help="CLIP towers: a bundled or installed model or backbone (see models list), or a model folder; "
            "biomedclip if it is there, else mini.",
            show_default=False,
        ),
    ] = None,
    sam: Annotated[
        str | None,
        typer.Option(
            help="Installed SAM (see models list) or its folder; none takes the coarse mask; by default the one the "
            "method was published with, else any that is there.",
            show_default=False,
        ),
    ] = None,
    prompts: Annotated[
        Literal["box", "points", "both"] | None,
        typer.Option("--prompts", help="How SAM is told of an object; box as published.", show_default=False),
    ] = None,
    binarization: Annotated[
        Literal["crf", "otsu", "two-means"] | None,
        typer.Option(help="How the saliency map is cut; as the method was published by default.", show_default=False),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(help="Least mean saliency of an object, 0 to 1; 0.5 with medclip-sam-v2.", show_default=False),
    ] = None,
    objects: Annotated[
        int | None,
        typer.Option(help="Objects a slice has at most, the largest; 1 with medclip-sam.", show_default=False),
    ] = None,
    padding: Annotated[
        float | None,
        typer.Option(help="Share of its size by which a box grows on each side; 0 as published.", show_default=False),
    ] = None,
    points: Annotated[
        int | None, typer.Option("--points", help="Points an object gets; 10 as published.", show_default=False)
    ] = None,
    study: Study = None,
    design: Design = None,
    kind: Kind = None,
    prompt_sets: PromptSets = None,
    threshold: Annotated[float, typer.Option(help="Score above which a voxel is inside.")] = 0.5,
    plane: Plane = "auto",
    window: Window = None,
    preset: Preset = None,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Of saliency and points; the same seed gives the same result.")] = 0,
    slices: Slices = None,
    overwrite: Overwrite = False,
    words: Annotated[
        bool,
        typer.Option(
            "--words",
            help="Also tell for which words of a prompt (with --design: of the first sentence) the image speaks, "
            "in the slice with the largest area found.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Segment what the prompts name without any training data (MedCLIP-SAM, MedCLIP-SAMv2).

    Writes what [b]segment[/b] writes, and [b].saliency.nrrd[/b], a saliency map a prompt. The probability is the
    score map of SAM (with --sam none the saliency), the uncertainty the entropy of that; no samples are drawn.
    [b]run.json[/b] also holds the threshold, objects, confidences and boxes of every slice.

    Example: medclipseg zeroshot breast.png --prompt "a mass in the breast ultrasound" --out result
    """
    from MedCLIPSegLab.results.zeroshot import zeroshot

    with progress_bar("Segmenting") as show:
        record = zeroshot(
            input,
            prompt,
            out,
            method=method,
            model=model,
            sam=sam,
            object_prompts=prompts,
            binarization=binarization,
            confidence=confidence,
            objects=objects,
            padding=padding,
            points=points,
            study=study,
            design=design,
            kind=kind,
            prompt_sets=prompt_sets,
            threshold=threshold,
            plane=plane,
            window=window,
            preset=preset,
            device=device,
            seed=seed,
            slices=slices,
            overwrite=overwrite,
            words=words,
            progress=lambda p: show(p.fraction, _detail(p)),
        )
    if as_json:
        typer.echo(json.dumps(record, indent=2))
        return
    for entry in record["results"]:
        typer.echo(f"{entry['prompt']}: {size_text(entry)}{_objects_text(entry)}")
        if words:
            typer.echo(f"  {_words_text(entry['words'])}")
    typer.echo(f"Results in {out} ({record['seconds']:.1f} s).")


def _detail(step: Progress) -> str:
    if step.stage == "Words":
        return f"words of prompt {step.sample_number} of {step.sample_count}"
    return f"slice {step.slice_number} of {step.slice_count}, {time_left(step.seconds_left)}"


def _words_text(words: dict[str, Any]) -> str:
    """The words and their weights by both methods."""
    maps = [
        f"{title}: " + ", ".join(f"{word} {weight:.2f}" for word, weight in words[name])
        for name, title in (("m2ib", "M2IB"), ("gscorecam", "gScoreCAM"))
    ]
    return f"words in slice {words['slice_index']}, {'; '.join(maps)}"


def _objects_text(entry: dict[str, Any]) -> str:
    """How many objects there are and how sure the saliency is of the surest."""
    found = [thing["confidence"] for item in entry["slices"] for thing in item["objects"]]
    if not found:
        return ""
    number = f"{len(found)} objects" if len(found) > 1 else "1 object"
    return f", {number}, confidence {max(found):.2f}"
