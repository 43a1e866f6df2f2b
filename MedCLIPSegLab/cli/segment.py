"""``medclipseg segment``."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from .options import AsJson, Device, Input, Out, Overwrite, Plane, Preset, Prompts, Slices, Window
from .progress import progress_bar, time_left
from .sizes import size_text


def segment_command(
    input: Input,
    prompt: Prompts,
    out: Out,
    model: Annotated[
        str | None,
        typer.Option(
            help="Name of a bundled or installed model (see models list), or a model folder; mini, until another model "
            "is downloaded.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int, typer.Option(help="Monte-Carlo passes; more give a steadier uncertainty.")] = 30,
    threshold: Annotated[float, typer.Option(help="Probability above which a voxel is inside.")] = 0.5,
    plane: Plane = "auto",
    window: Window = None,
    preset: Preset = None,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Of the noise; the same seed gives the same result.")] = 0,
    slices: Slices = None,
    adaptive: Annotated[
        bool,
        typer.Option("--adaptive", help="Draw no more samples of a slice than it needs to settle, --samples at most."),
    ] = False,
    precision: Annotated[
        Literal["float32", "fast", "int8", "bfloat16", "float16"],
        typer.Option(help="Numbers of the towers: float32 is exact, fast is what the device does best."),
    ] = "float32",
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Segment what the prompts name in an image or volume.

    Writes [b]segmentation.seg.nrrd[/b], a probability and an uncertainty map a prompt, [b]scene.mrb[/b] for 3D
    Slicer, [b]preview.png[/b] and [b]run.json[/b] with every setting.

    Example: medclipseg segment brain.nii.gz --prompt "tumor in the brain MRI" --out result
    """
    from MedCLIPSegLogic.inference.adaptive import AdaptiveSampling

    from ..results.segment import segment

    with progress_bar("Segmenting") as show:
        record = segment(
            input,
            prompt,
            out,
            model=model,
            samples=samples,
            threshold=threshold,
            plane=plane,
            window=window,
            preset=preset,
            device=device,
            seed=seed,
            slices=slices,
            adaptive=AdaptiveSampling() if adaptive else None,
            precision=precision,
            overwrite=overwrite,
            progress=lambda p: show(
                p.fraction,
                f"slice {p.slice_number} of {p.slice_count}, sample {p.sample_number} of {p.sample_count}, "
                + time_left(p.seconds_left),
            ),
        )
    if as_json:
        typer.echo(json.dumps(record, indent=2))
        return
    for entry in record["results"]:
        typer.echo(f"{entry['prompt']}: {size_text(entry)}, mean uncertainty {entry['mean_uncertainty']:.3f} nats")
    typer.echo(f"Results in {out} ({record['seconds']:.1f} s).")
