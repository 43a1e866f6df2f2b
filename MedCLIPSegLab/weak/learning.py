"""From images and prompts without masks to a trained network and its masks: MedCLIP-SAM and MedCLIP-SAMv2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedCLIPSegLogic.clip_sam.methods import METHODS
from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.files.slugs import slugs
from MedCLIPSegLogic.model.folder import file_hash
from MedCLIPSegLogic.runs.choices import ChainChoices, RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import choose_chain
from MedCLIPSegLogic.version import __version__

from ..run_folder import RunKind
from ..training.request import STATE_FILE, TRAINING_RUN
from .images import ClassImages, find_images, pair_prompts
from .prediction import Predicted, Predictor, predict_images
from .pseudo_masks import MakeMask, PseudoRecord, make_pseudo_set, zero_shot_masks
from .reporting import Report, WeakProgress
from .settings import MAY_CHANGE, WeakSettings, require_nnunet

if TYPE_CHECKING:
    from ..training.trainer import TrainingProgress

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
    *,
    models: Models | None = None,
    progress: Report | None = None,
    **choices: Any,
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
        model: CLIP towers of the pseudo-masks, as for ``zeroshot``.
        models: keeps towers and SAM for the next call.
        progress: called after every image, training step or epoch.
        choices: of the pseudo-masks, such as ``sam``, ``study`` and ``confidence``, as for ``zeroshot``; a ``design``
            needs ``prompt``; see :class:`ChainChoices`.

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
    own = vars(ChainChoices(towers=model, **choices))
    asked = RunChoices(model=chosen.method, seed=chosen.seed, device=chosen.device, **own)
    chain = choose_chain(asked, () if prompt is None else (prompt,))
    targets = find_images(Path(predict) if predict is not None else Path(images))
    method, keeper = METHODS[chosen.method], models or Models()
    wanted = {
        **dataclasses.asdict(chosen),
        "model": None if model is None else str(model),
        "sam": None if asked.sam is None else str(asked.sam),
        "sentences": chain.sentences,
        **{name: own[name] for name in ("study", "object_prompts", "padding", "points", "binarization")},
        "confidence": method.components.confidence if asked.confidence is None else asked.confidence,
        "objects": method.components.most if asked.objects is None else asked.objects,
        "images": {image.path.name: file_hash(image.path) for entry in classes for image in entry.images},
        "prompts": {
            f"{entry.name}: {image.path.name}" if entry.name else image.path.name: list(image.prompts)
            for entry in classes
            for image in entry.images
        },
        "predicted": {path.name: file_hash(path) for path in targets.values()},
    }
    with write_failures_in_words(), WEAK_RUN.claimed(folder), ExitStack() as stack:
        record = WEAK_RUN.begin(folder, wanted, MAY_CHANGE)
        from MedCLIPSegLogic.inference.threads import threads_for

        threads = stack.enter_context(threads_for(chosen.threads))
        record |= {"medclipseg": __version__, "citation": method.citation, "images_without_prompt": list(left_out)}

        def load_chain() -> MakeMask:
            _saliency, used = keeper.saliency(chain, asked.device, asked.seed)
            record["zero_shot"] = {**used, "sam": chain.sam}
            WEAK_RUN.write(folder, record)
            return zero_shot_masks(asked, keeper)

        names = slugs([entry.name for entry in classes])
        places = [folder / name for name in names] if len(classes) > 1 else [folder]
        summaries = []
        for entry, place in zip(classes, places, strict=True):

            def report(step: WeakProgress, name: str = entry.name) -> None:
                threads.adjust()
                if progress:
                    progress(dataclasses.replace(step, class_name=name))

            pseudo = make_pseudo_set(place / PSEUDO_FOLDER, entry, load_chain, chosen.leave_out_empty, report)
            get_predictor = _train(place, chosen, report)
            rows = predict_images(targets, place, get_predictor, chosen.threshold, report)
            summaries.append(_summary(entry, place.relative_to(folder), pseudo, rows))
        record["classes"] = summaries
        WEAK_RUN.write(folder, record)
    return record


def _train(place: Path, settings: WeakSettings, report: Report) -> Callable[[], Predictor]:
    """Train what is not trained yet; gives what loads the result."""
    source = place / PSEUDO_FOLDER
    if not settings.trains_unet:
        from .nnunet import NnUNet

        network = NnUNet(
            place / NNUNET_FOLDER, settings.cyclic_training(), settings.image_size, settings.device, settings.workers
        )
        network.prepare(source, report)
        network.train(settings.seed, report)
        return network.predictor
    from MedCLIPSegLogic.inference.device import choose_device

    from ..training.text_free_unet import UNetConfig, load_unet, slice_probability
    from ..training.unet_training import train_unet

    folder = place / UNET_FOLDER

    def on_step(step: TrainingProgress) -> None:
        report(WeakProgress("training", step.step, step.steps, f"loss {step.loss:.3f}"))

    if not TRAINING_RUN.is_finished(folder):
        resume = (folder / STATE_FILE).is_file()
        train_unet([source], folder, settings.unet_settings(), UNetConfig.channels, resume, on_step)
    return lambda: partial(map, partial(slice_probability, load_unet(folder).to(choose_device(settings.device))))


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
