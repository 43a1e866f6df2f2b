"""What a method without training data runs on: towers, saliency, sentences and SAM, by their choices."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError
from ..inference.device import choose_device
from ..inference.request import Device
from ..model.catalog import FIRST_MODEL, describe_model
from ..model.library import find_model, model_hash
from .gscorecam import GScoreCam
from .m2ib import M2IB, PUBLISHED
from .methods import Method
from .prompt_sets import PUBLISHED_FILE, Design, load_prompt_sets
from .saliency import TextSaliency
from .sam import Segmenter, choose_sam, load_segmenter
from .towers import ClipTowers, load_towers

NO_SAM = "none"
PUBLISHED_TOWERS = "biomedclip"
PUBLISHED_FOR = {"brain MRI": "brain", "breast ultrasound": "breast"}
"""Studies for which settings of M2IB were published."""


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
