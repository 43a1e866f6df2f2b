"""From an image file and prompts to a folder of results without training data: MedCLIP-SAM and MedCLIP-SAMv2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.device import choose_device
from ..inference.request import Device
from ..inference.result import Progress
from ..model.catalog import FIRST_MODEL, describe_model
from ..model.library import find_model, model_hash
from ..reporting.staging import staged_folder
from ..volumes.planes import Plane, choose_axis, parse_slice_range
from ..volumes.readers import read_volume
from ..volumes.writers import write_map
from ..zeroshot.coarse import Binarization
from ..zeroshot.engine import run
from ..zeroshot.gscorecam import GScoreCam
from ..zeroshot.m2ib import M2IB, PUBLISHED
from ..zeroshot.methods import METHODS, Method, MethodName
from ..zeroshot.object_prompts import PromptKind
from ..zeroshot.prompt_sets import PUBLISHED_FILE, Design, load_prompt_sets
from ..zeroshot.request import ZeroShotRequest
from ..zeroshot.result import ZeroShotResult
from ..zeroshot.saliency import TextSaliency
from ..zeroshot.sam import Segmenter, choose_sam, load_segmenter
from ..zeroshot.towers import ClipTowers, load_towers
from .result_files import finish, intensity_rule, result_slugs, write_record, write_result_files
from .words import record_words

NO_SAM = "none"
PUBLISHED_TOWERS = "biomedclip"
PUBLISHED_FOR = {"brain MRI": "brain", "breast ultrasound": "breast"}
"""Studies for which settings of M2IB were published."""


def zeroshot(
    input: str | Path,
    prompts: str | Sequence[str],
    out: str | Path,
    method: MethodName = "medclip-sam-v2",
    model: str | Path | None = None,
    sam: str | Path | Segmenter | None = None,
    object_prompts: PromptKind | None = None,
    binarization: Binarization | None = None,
    confidence: float | None = None,
    objects: int | None = None,
    padding: float | None = None,
    points: int | None = None,
    study: str | None = None,
    design: Design | None = None,
    kind: str | None = None,
    prompt_sets: str | Path | None = None,
    threshold: float = 0.5,
    plane: Plane = "auto",
    window: tuple[float, float] | None = None,
    preset: str | None = None,
    device: Device = "auto",
    seed: int = 0,
    slices: str | None = None,
    overwrite: bool = False,
    words: bool = False,
    truth: NDArray[np.bool_] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Segment what the prompts name without training data; writes what ``segment`` writes, and saliency maps.

    Args:
        input: NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF or BMP file, or a DICOM folder.
        prompts: one text, or one a segment.
        out: folder for the results.
        method: "medclip-sam" or "medclip-sam-v2"; options that are None are as published with it.
        model: CLIP towers: bundled or installed model or backbone, or a model folder; None takes biomedclip if it is
            there, else mini.
        sam: installed SAM or its folder; "none" takes the coarse mask; None the published one, else any that is there.
        object_prompts: how SAM is told of an object.
        binarization: how the saliency is cut.
        confidence: least mean saliency of an object, 0…1.
        objects: how many objects a slice has at most.
        padding: share of its size by which an object's box grows on each side.
        points: how many points an object gets.
        study: kind of study, such as "brain MRI", for the settings of M2IB that were published for it; None for the
            default ones.
        design: which sentences of the study (P0 to P5) stand for the prompt, which then only names the segment; None
            for the prompt itself.
        kind: of the object, for the designs that need one.
        prompt_sets: JSON file of studies and sentences, see :func:`load_prompt_sets`; None for the published ones.
        threshold: score above which a voxel is inside.
        plane: direction of the slices of a volume.
        window: (width, level) of the grey values; None for percentiles, or as stored in 8-bit images.
        preset: CT window by name, instead of ``window``.
        device: where to compute.
        seed: of saliency and points.
        slices: "A:B", end exclusive; None for all.
        overwrite: replace earlier results in ``out``.
        words: also record for which words of a prompt the image speaks, see :func:`record_words`.
        truth: (K, J, I) known mask; its Dice with every segment is recorded and its outline drawn.
        progress: called after every small step.

    Returns:
        The record that is written to ``run.json``.

    Raises:
        MedCLIPSegError: bad input, or no such model; ``out`` is then as it was before.
    """
    chosen = METHODS.get(method)
    if chosen is None:
        raise MedCLIPSegError(f"There is no method '{method}'; choose {' or '.join(METHODS)}.")
    texts = (prompts,) if isinstance(prompts, str) else tuple(prompts)
    sentences = choose_sentences(texts, study, design, kind, prompt_sets)
    with staged_folder(Path(out), overwrite) as staging:
        volume = read_volume(input)
        request = ZeroShotRequest(
            volume=volume,
            prompts=texts,
            binarization=binarization or chosen.binarization,
            components=changed_rule(chosen.components, confidence=confidence, most=objects),
            pointing=changed_rule(chosen.pointing, kind=object_prompts, padding=padding, points=points),
            keep_largest=chosen.keep_largest,
            threshold=threshold,
            plane=plane,
            slices=parse_slice_range(slices, choose_axis(volume, plane).count) if slices else None,
            intensity=intensity_rule(window, preset),
            seed=seed,
            device=device,
        )
        segmenter = choose_segmenter(sam, chosen)
        saliency, settings = load_saliency(chosen, model, device, seed, study, sentences)
        record = {"method": method, "citation": chosen.citation, **settings}
        result: ZeroShotResult = finish(run(saliency, segmenter, request, record), progress)
        write_result_files(result, plane, staging, truth)
        for values, slug in zip(result.saliency, result_slugs(result), strict=True):
            write_map(volume, values, staging / f"{slug}.saliency.nrrd")
        extra: list[dict[str, Any]] = [
            {"slices": [finding.record() for finding in findings]} for findings in result.findings
        ]
        if words:
            for entry, of_prompt in zip(extra, record_words(saliency, result, plane, seed, progress), strict=True):
                entry["words"] = of_prompt
        return write_record(result, str(input), staging, extra, truth)


def load_saliency(
    method: Method,
    model: str | Path | None,
    device: Device,
    seed: int,
    study: str | None = None,
    sentences: dict[str, list[str]] | None = None,
) -> tuple[TextSaliency, dict[str, Any]]:
    """The saliency of a method on the towers of a model, and what there is to record of it.

    Args:
        method: whose saliency.
        model: CLIP towers; None takes biomedclip if it is there, else mini.
        device: where to compute.
        seed: of the noise in M2IB.
        study: kind of study, for the settings of M2IB that were published for it.
        sentences: what stands for a prompt in place of itself.

    Raises:
        MedCLIPSegError: there is no such model or device, or the model is damaged.
    """
    towers, used = load_method_towers(model, device)
    saliency, settings = method_saliency(method, towers, seed, study, sentences)
    return saliency, {**used, **settings}


def load_method_towers(model: str | Path | None, device: Device) -> tuple[ClipTowers, dict[str, Any]]:
    """CLIP towers for a method, and what there is to record of them.

    Args:
        model: their name or folder; None takes biomedclip if it is there, else mini.
        device: where to compute.

    Raises:
        MedCLIPSegError: there is no such model or device, or the model is damaged.
    """
    name = model if model is not None else _default_towers()
    towers = load_towers(name)
    towers.to(choose_device(device))
    folder = find_model(name)
    return towers, {"model": folder.resolve().name, "model_hash": model_hash(folder)}


def method_saliency(
    method: Method,
    towers: ClipTowers,
    seed: int,
    study: str | None = None,
    sentences: dict[str, list[str]] | None = None,
) -> tuple[TextSaliency, dict[str, Any]]:
    """The saliency of a method on loaded towers, and what there is to record of it.

    Args:
        method, seed, study, sentences: as of :func:`load_saliency`.
        towers: on their device.
    """
    settings: M2IB | GScoreCam = GScoreCam()
    if method.saliency == "m2ib":
        settings = dataclasses.replace(PUBLISHED[PUBLISHED_FOR.get(study or "", "default")], seed=seed)
    used = dataclasses.asdict(settings)
    if isinstance(settings, GScoreCam):
        used["channels"] = settings.channels_of(towers.width)
    known = sentences or {}
    record = {"saliency": {"method": method.saliency, **used}, "study": study, "sentences": known}
    return TextSaliency(towers, settings, lambda prompt: known.get(prompt, [prompt])), record


def _default_towers() -> str:
    return PUBLISHED_TOWERS if describe_model(PUBLISHED_TOWERS).on_disk else FIRST_MODEL


def choose_sentences(
    prompts: Sequence[str],
    study: str | None,
    design: Design | None,
    kind: str | None,
    prompt_sets: str | Path | None = None,
) -> dict[str, list[str]]:
    """What stands for the prompts by the designs of a study; nothing without a design.

    Raises:
        MedCLIPSegError: study or kind is unknown, the options do not go together, or the file cannot be used.
    """
    if prompt_sets is not None and design is None:
        raise MedCLIPSegError(
            f"The prompt sets {prompt_sets} need a choice of their sentences; give --design P0 to P5."
        )
    sets = load_prompt_sets(PUBLISHED_FILE if prompt_sets is None else Path(prompt_sets))
    if study is not None and study not in sets.studies:
        raise MedCLIPSegError(f"There is no study '{study}'; choose one of {', '.join(sets.studies)}.")
    if design is None:
        return {}
    if study is None:
        raise MedCLIPSegError(f"The prompts {design} are those of a study; choose --study {', '.join(sets.studies)}.")
    if len(prompts) != 1:
        raise MedCLIPSegError(f"The prompts {design} speak of one thing; give one --prompt to name it.")
    return {prompts[0]: sets.sentences(design, study, kind)}


def changed_rule(rule: Any, **options: Any) -> Any:
    """A rule with the options that were given."""
    return dataclasses.replace(rule, **{name: value for name, value in options.items() if value is not None})


def choose_segmenter(sam: str | Path | Segmenter | None, method: Method) -> Segmenter | None:
    """The SAM that the option of that name means: "none", a name, a folder, or None for the method's.

    Raises:
        MedCLIPSegError: there is no such model, or it is damaged.
    """
    if sam == NO_SAM:
        return None
    if sam is None or isinstance(sam, str | Path):
        return load_segmenter(sam if sam is not None else choose_sam(method.sam))
    return sam
