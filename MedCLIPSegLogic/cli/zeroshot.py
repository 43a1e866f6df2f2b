"""``medclipseg zeroshot``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .progress import progress_bar, time_left
from .sizes import size_text


def zeroshot_command(
    input: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF or BMP file, or a folder with one DICOM series.",
            show_default=False,
        ),
    ],
    prompt: Annotated[
        list[str],
        typer.Option(help="What to look for; repeat for more segments. They may overlap.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.", show_default=False)],
    method: Annotated[
        Literal["medclip-sam", "medclip-sam-v2"],
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
    study: Annotated[
        str | None,
        typer.Option(
            help="Kind of study, for settings published for it: breast ultrasound, brain MRI, chest X-ray, lung CT.",
            show_default=False,
        ),
    ] = None,
    design: Annotated[
        Literal["P0", "P1", "P2", "P3", "P4", "P5"] | None,
        typer.Option(
            help="Published sentences of the study that stand for the prompt, averaged; --prompt then only names the "
            "segment.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="Kind of the object, such as malignant, for --design P1, P3 and P5.", show_default=False),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Score above which a voxel is inside.")] = 0.5,
    plane: Annotated[
        Literal["auto", "axial", "coronal", "sagittal"],
        typer.Option(help="Direction of a volume's slices; auto is the plane it was acquired in."),
    ] = "auto",
    window: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="W L", help="Grey values: window width and level.", show_default=False),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Grey values: CT window lung, soft-tissue, bone or brain.", show_default=False),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of saliency and points; the same seed gives the same result.")] = 0,
    slices: Annotated[
        str | None, typer.Option(metavar="A:B", help="First slice and end (exclusive), from 0.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in the folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record of the run as JSON.")] = False,
) -> None:
    """Segment what the prompts name without any training data (MedCLIP-SAM, MedCLIP-SAMv2).

    Writes what [b]segment[/b] writes, and [b].saliency.nrrd[/b], a saliency map a prompt. The probability is the
    score map of SAM (with --sam none the saliency), the uncertainty the entropy of that; no samples are drawn.
    [b]run.json[/b] also holds the threshold, objects, confidences and boxes of every slice.

    Example: medclipseg zeroshot breast.png --prompt "a mass in the breast ultrasound" --out result
    """
    from ..workflows.zeroshot import zeroshot

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
            threshold=threshold,
            plane=plane,
            window=window,
            preset=preset,
            device=device,
            seed=seed,
            slices=slices,
            overwrite=overwrite,
            progress=lambda p: show(
                p.fraction, f"slice {p.slice_number} of {p.slice_count}, {time_left(p.seconds_left)}"
            ),
        )
    if as_json:
        typer.echo(json.dumps(record, indent=2))
        return
    for entry in record["results"]:
        typer.echo(f"{entry['prompt']}: {size_text(entry)}{_objects_text(entry)}")
    typer.echo(f"Results in {out} ({record['seconds']:.1f} s).")


def _objects_text(entry: dict[str, Any]) -> str:
    """How many objects there are and how sure the saliency is of the surest."""
    found = [thing["confidence"] for item in entry["slices"] for thing in item["objects"]]
    if not found:
        return ""
    number = f"{len(found)} objects" if len(found) > 1 else "1 object"
    return f", {number}, confidence {max(found):.2f}"
