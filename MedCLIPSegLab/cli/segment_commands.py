"""``medclipseg segment``, ``medclipseg zeroshot`` and ``medclipseg demo``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import MedCLIPSegLogic
from MedCLIPSegLogic.clip_sam.methods import MethodName
from MedCLIPSegLogic.runs.choices import OF_METHODS, OF_TRAINED_MODELS, RunChoices

from ..results.telling import VERDICTS, size_text
from .options import AsJson, Inputs, Out, Overwrite, Prompts, Threads
from .options_of import options_of
from .printing import print_json
from .progress import progress_bar

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress

    from ..results.segmentation import Segmentation, Segmentations


MAPS = {"maps": "--maps/--no-maps"}


@options_of(RunChoices, names=MAPS, leave_out={*OF_METHODS, "start_slice", "intensity"})
def segment_command(
    input: Inputs,
    prompt: Prompts,
    out: Out,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    **choices: Any,
) -> None:
    """Segment what the prompts name in an image or volume, or in several.

    Writes [b]segmentation.seg.nrrd[/b], a probability and an uncertainty map per prompt (with --three-planes the
    disagreement of the planes too), [b]scene.mrb[/b] for 3D Slicer, [b]preview.png[/b] and [b]run.json[/b] with every
    setting.

    Example: medclipseg segment brain.nii.gz --prompt "tumor in the brain MRI" --out result
    """
    with progress_bar("Segmenting") as show:
        made = MedCLIPSegLogic.segment(
            _one_or_all(input),
            prompt,
            out,
            overwrite=overwrite,
            progress=lambda step: show(step.fraction, _place(step), step.seconds_left),
            announce=lambda sentence: typer.echo(sentence, err=True),
            **choices,
        )
    _tell(made, out, as_json, _uncertainty_text)


@options_of(
    RunChoices,
    names={"towers": "--model", "object_prompts": "--prompts", **MAPS},
    leave_out={*OF_TRAINED_MODELS, "model", "start_slice", "intensity"},
)
def zeroshot_command(
    input: Inputs,
    prompt: Prompts,
    out: Out,
    method: Annotated[
        MethodName,
        typer.Option(help="medclip-sam: gScoreCAM and dense CRF; medclip-sam-v2: M2IB and Otsu's threshold."),
    ] = "medclip-sam-v2",
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
    **choices: Any,
) -> None:
    """Segment what the prompts name without any training data (MedCLIP-SAM, MedCLIP-SAMv2).

    Writes what [b]segment[/b] writes, and [b].saliency.nrrd[/b], a saliency map per prompt. The probability is the
    score map of SAM (with --sam none the saliency), the uncertainty the entropy of that; no samples are drawn.
    [b]run.json[/b] also holds the threshold, objects, confidences and boxes of every slice.

    Example: medclipseg zeroshot breast.png --prompt "a mass in the breast ultrasound" --out result
    """
    with progress_bar("Segmenting") as show:
        made = MedCLIPSegLogic.zeroshot(
            _one_or_all(input),
            prompt,
            out,
            method,
            choices.pop("towers", None),
            overwrite=overwrite,
            words=words,
            progress=lambda step: show(step.fraction, _place(step), step.seconds_left),
            **choices,
        )
    _tell(made, out, as_json, _objects_text)


def demo_command(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("medclipseg-demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier demo.")] = False,
    threads: Threads = "auto",
    as_json: AsJson = False,
) -> None:
    """Segment the bundled cases with known truth and show how well it went."""
    with progress_bar("Demo") as show:
        outcomes = MedCLIPSegLogic.demo(
            out,
            overwrite=overwrite,
            threads=threads,
            progress=lambda case, p: show(
                p.fraction, f"{case}, slice {p.slice_number} of {p.slice_count}", p.seconds_left
            ),
        )
    if as_json:
        print_json(outcomes)
        return
    for outcome in outcomes:
        typer.echo(f'{outcome.title}: "{outcome.prompt}"')
        typer.echo(f"  Dice {outcome.dice:.3f} against the known truth, {outcome.seconds:.1f} s, {outcome.preview}")


def _one_or_all(inputs: list[Path]) -> Path | list[Path]:
    return inputs[0] if len(inputs) == 1 else inputs


def _tell(made: Segmentation | Segmentations, out: Path, as_json: bool, more: Callable[[dict[str, Any]], str]) -> None:
    """Print what came of an image or of several.

    Raises:
        typer.Exit: with 2, where some images could not be segmented.
    """
    if isinstance(made, MedCLIPSegLogic.Segmentation):
        if as_json:
            print_json(made.record)
        else:
            _tell_record(made.record, out, more)
        return
    if as_json:
        records = {name: each.record for name, each in made.items()}
        print_json({"images": records, "failed": made.failed})
    else:
        for name, each in made.items():
            typer.echo(f"{name}:")
            _tell_record(each.record, out / name, more)
    for name, sentence in made.failed.items():
        typer.echo(f"{name}: {sentence}", err=True)
    if made.failed:
        typer.echo(f"{len(made)} of {len(made) + len(made.failed)} images were segmented.", err=True)
        raise typer.Exit(2)


def _tell_record(record: dict[str, Any], out: Path, more: Callable[[dict[str, Any]], str]) -> None:
    """Print of each prompt its size, what else there is to say and its verdict, and notes on the image."""
    for entry in record["results"]:
        typer.echo(f"{entry['prompt']}: {size_text(entry)}{more(entry)}")
        typer.echo(f"  {VERDICTS[entry['verdict']]}: {entry['verdict_text']}")
        if entry["suggestions"]:
            typer.echo(f"  Try: {', '.join(entry['suggestions'])}")
    if len(record["results"]) > 1:
        typer.echo(f"{len(record['results'])} prompts: {_verdict_counts(record['results'])}.")
    for note in record["notes"]:
        typer.echo(f"Note: {note}")
    typer.echo(f"Results in {out} ({record['seconds']:.1f} s).")


def _verdict_counts(entries: list[dict[str, Any]]) -> str:
    """How many prompts have which verdict, such as "2 found, 1 not understood"."""
    counts = Counter(entry["verdict"] for entry in entries)
    words = ((VERDICTS[kind], counts[kind]) for kind in VERDICTS if kind in counts)
    return ", ".join(f"{count} {name[0].lower()}{name[1:]}" for name, count in words)


def _uncertainty_text(entry: dict[str, Any]) -> str:
    mean = entry["mean_uncertainty"]
    level = f", {entry['uncertainty_level']} uncertainty" if "uncertainty_level" in entry else ", mean uncertainty"
    nats = ", uncertainty unknown" if mean is None else f"{level} {mean:.3f} nats"
    volumes, agreement = entry.get("sample_volume_ml"), entry.get("plane_agreement")
    samples = "" if volumes is None else f", samples {volumes['mean']:.2f} ml, SD {volumes['sd']:.3f} ml"
    planes = "" if agreement is None else f", Dice of the planes {agreement:.2f}"
    return nats + samples + planes + _islands_text(entry)


def _islands_text(entry: dict[str, Any]) -> str:
    """How many islands were removed from a segment, and how much that is; empty for none."""
    removed = entry.get("removed_islands", {"count": 0})
    if not removed["count"]:
        return ""
    unit = "voxels" if "volume_ml" in entry else "pixels"
    islands = "1 island" if removed["count"] == 1 else f"{removed['count']} islands"
    return f", {islands} removed ({removed['voxels']} {unit})"


def _place(step: Progress) -> str:
    """Where a run is, in words."""
    if step.stage == "looking" and step.unit == "sample":
        return f"looking at slice {step.slice_number} of {step.slice_count}"
    if step.stage == "smoothing":
        return "smoothing across slices"
    if step.stage == "islands":
        return "removing islands"
    if step.stage == "words":
        return f"words of prompt {step.part_number} of {step.part_count}"
    return f"slice {step.slice_number} of {step.slice_count}, {step.unit} {step.part_number} of {step.part_count}"


def _words_text(words: dict[str, Any]) -> str:
    """The words and their weights by both methods."""
    maps = [
        f"{title}: " + ", ".join(f"{word} {weight:.2f}" for word, weight in words[name])
        for name, title in (("m2ib", "M2IB"), ("gscorecam", "gScoreCAM"))
    ]
    return f"words in slice {words['slice_index']}, {'; '.join(maps)}"


def _objects_text(entry: dict[str, Any]) -> str:
    """How many objects there are, how sure the saliency is of the surest, and the words if they were asked for."""
    found = [thing["confidence"] for item in entry["slices"] for thing in item["objects"]]
    number = f"{len(found)} objects" if len(found) > 1 else "1 object"
    text = f", {number}, confidence {max(found):.2f}" if found else ""
    return f"{text}\n  {_words_text(entry['words'])}" if "words" in entry else text
