"""From images and prompts without masks to a trained network and its masks: MedCLIP-SAM and MedCLIP-SAMv2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.clip_sam.choices import changed_rule, choose_segmenter, choose_sentences, load_saliency
from MedCLIPSegLogic.clip_sam.methods import METHODS
from MedCLIPSegLogic.clip_sam.prompt_sets import Design
from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.files.slugs import slugs
from MedCLIPSegLogic.model.checkpoint import file_hash
from MedCLIPSegLogic.version import __version__

from ..run_folder import RunKind
from ..training.state import STATE_FILE
from ..training.trainer import TRAINING_RUN, TrainingProgress
from ..training.unet_training import train_unet
from .images import ClassImages, find_images, pair_prompts
from .nnunet import NnUNet, require_nnunet
from .prediction import Predicted, Predictor, predict_images
from .progress import Report, WeakProgress
from .pseudo_masks import MakeMask, PseudoRecord, make_pseudo_set, zero_shot_masks
from .settings import MAY_CHANGE, WeakSettings
from .unet import CHANNELS, unet_predictor

WEAK_RUN = RunKind("run", "weak.json")
PSEUDO_FOLDER = "pseudo"
UNET_FOLDER = "unet"
NNUNET_FOLDER = "nnunet"


def weak(
    images: str | Path,
    out: str | Path,
    prompts: str | Path | None = None,
    prompt: str | None = None,
    predict: str | Path | None = None,
    settings: WeakSettings | None = None,
    model: str | Path | None = None,
    sam: str | Path | None = None,
    study: str | None = None,
    design: Design | None = None,
    kind: str | None = None,
    prompt_sets: str | Path | None = None,
    confidence: float | None = None,
    objects: int | None = None,
    get_maker: Callable[[], MakeMask] | None = None,
    progress: Report | None = None,
) -> dict[str, Any]:
    """Make pseudo-masks of images, train a network on them and segment images with it.

    Calling it again with the same arguments goes on where it was interrupted. Each class of the sheet gets a network;
    with several classes each has a folder of its own in ``out``.

    Args:
        images: folder of 2-D images to learn from.
        out: folder for ``pseudo`` (a training set in MedCLIPSeg's layout), the network, ``masks``, ``probability``,
            ``uncertainty`` (entropy in bits), ``images.csv`` and ``weak.json``.
        prompts: .csv or .xlsx sheet with the columns ``Image``, ``Description`` and optionally ``Class``.
        prompt: for all images, instead of ``prompts``.
        predict: folder of 2-D images to segment; None for those it learned from.
        settings: of training and prediction; None for those of MedCLIP-SAMv2.
        model, sam, study, design, kind, prompt_sets, confidence, objects: of the pseudo-masks, as for ``zeroshot``; a
            design needs ``prompt``.
        get_maker: gives what makes the pseudo-masks; None for the zero-shot chain of the method.
        progress: called after every image, training step or epoch.

    Returns:
        What ``weak.json`` holds.

    Raises:
        MedCLIPSegError: bad input, a run with other settings in ``out``, nothing found in any image, or nnU-Net is not
            installed; what was made is kept.
    """
    chosen, folder = settings or WeakSettings(), Path(out)
    if not chosen.trains_unet:
        require_nnunet()
    classes, left_out = pair_prompts(Path(images), None if prompts is None else Path(prompts), prompt)
    sentences = choose_sentences(() if prompt is None else (prompt,), study, design, kind, prompt_sets)
    targets = find_images(Path(predict) if predict is not None else Path(images))
    published = METHODS[chosen.method]
    components = changed_rule(published.components, confidence=confidence, most=objects)
    method = dataclasses.replace(published, components=components)
    wanted = {
        **dataclasses.asdict(chosen),
        "model": None if model is None else str(model),
        "sam": None if sam is None else str(sam),
        "study": study,
        "sentences": sentences,
        "confidence": method.components.confidence,
        "objects": method.components.most,
        "images": {image.path.name: file_hash(image.path) for entry in classes for image in entry.images},
        "prompts": {
            f"{entry.name}: {image.path.name}" if entry.name else image.path.name: list(image.prompts)
            for entry in classes
            for image in entry.images
        },
        "predicted": {path.name: file_hash(path) for path in targets.values()},
    }
    with write_failures_in_words():
        record = WEAK_RUN.begin(folder, wanted, MAY_CHANGE)
        record |= {"medclipseg": __version__, "citation": method.citation, "images_without_prompt": list(left_out)}

        def load_chain() -> MakeMask:
            segmenter = choose_segmenter(sam, method)
            saliency, used = load_saliency(method, model, chosen.device, chosen.seed, study, sentences)
            record["zero_shot"] = {**used, "sam": segmenter.name if segmenter else None}
            WEAK_RUN.write(folder, record)
            return zero_shot_masks(saliency, segmenter, method, chosen.seed, chosen.device)

        report = progress or (lambda step: None)
        names = slugs([entry.name for entry in classes])
        places = [folder / name for name in names] if len(classes) > 1 else [folder]
        summaries = []
        for entry, place in zip(classes, places, strict=True):
            pseudo = make_pseudo_set(
                place / PSEUDO_FOLDER, entry, get_maker or load_chain, chosen.leave_out_empty, report
            )
            get_predictor = _train(entry, place, chosen, report)
            rows = predict_images(targets, place, get_predictor, chosen.threshold, report, entry.name)
            summaries.append(_summary(entry, place.relative_to(folder), pseudo, rows))
        record["classes"] = summaries
        WEAK_RUN.write(folder, record)
    return record


def _train(entry: ClassImages, place: Path, settings: WeakSettings, report: Report) -> Callable[[], Predictor]:
    """Train what is not trained yet; gives what loads the result."""
    source = place / PSEUDO_FOLDER
    if not settings.trains_unet:
        network = NnUNet(
            place / NNUNET_FOLDER,
            settings.cyclic_training(),
            settings.image_size,
            settings.device,
            settings.workers,
        )
        network.prepare(source, report, entry.name)
        network.train(settings.seed, report, entry.name)
        return network.predictor
    folder = place / UNET_FOLDER

    def on_step(step: TrainingProgress) -> None:
        report(WeakProgress("training", step.step, step.steps, f"loss {step.loss:.3f}", entry.name))

    if not TRAINING_RUN.is_finished(folder):
        resume = (folder / STATE_FILE).is_file()
        train_unet([source], folder, settings.unet_settings(), CHANNELS, resume, on_step)
    return lambda: unet_predictor(folder, settings.device)


def _summary(entry: ClassImages, place: Path, pseudo: list[PseudoRecord], rows: list[Predicted]) -> dict[str, Any]:
    empty = [record.image for record in pseudo if not record.share]
    scores = [row.uncertainty_score for row in rows if row.uncertainty_score is not None]
    return {
        "class": entry.name,
        "folder": place.as_posix(),
        "pseudo_masks": len(pseudo),
        "empty_pseudo_masks": empty,
        "predicted": len(rows),
        "empty_masks": sum(not row.share for row in rows),
        "mean_uncertainty_score": sum(scores) / len(scores) if scores else None,
    }
