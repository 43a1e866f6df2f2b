"""From an image file and prompts to a folder of results without training data: MedCLIP-SAM and MedCLIP-SAMv2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.clip_sam.choices import changed_rule, choose_segmenter, choose_sentences, load_saliency
from MedCLIPSegLogic.clip_sam.coarse import Binarization
from MedCLIPSegLogic.clip_sam.engine import run
from MedCLIPSegLogic.clip_sam.methods import METHODS, MethodName
from MedCLIPSegLogic.clip_sam.object_prompts import PromptKind
from MedCLIPSegLogic.clip_sam.prompt_sets import Design
from MedCLIPSegLogic.clip_sam.request import ZeroShotRequest
from MedCLIPSegLogic.clip_sam.result import ZeroShotResult
from MedCLIPSegLogic.clip_sam.sam import Segmenter
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.inference.request import Device
from MedCLIPSegLogic.inference.result import Progress
from MedCLIPSegLogic.volumes.image_writing import write_image
from MedCLIPSegLogic.volumes.planes import Plane, choose_axis, parse_slice_range
from MedCLIPSegLogic.volumes.readers import read_volume

from .result_files import finish, intensity_rule, result_slugs, write_record, write_result_files
from .words import record_words


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
            write_image(values, volume.ijk_to_ras, staging / f"{slug}.saliency.nrrd")
        extra: list[dict[str, Any]] = [
            {"slices": [finding.record() for finding in findings]} for findings in result.findings
        ]
        if words:
            for entry, of_prompt in zip(extra, record_words(saliency, result, plane, seed, progress), strict=True):
                entry["words"] = of_prompt
        return write_record(result, str(input), staging, extra, truth)
