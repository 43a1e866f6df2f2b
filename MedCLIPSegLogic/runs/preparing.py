"""From choices to a checked request and the models it needs, before anything is loaded. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..clip_sam.methods import METHODS, MethodName
from ..clip_sam.prompt_sets import PUBLISHED_FILE, load_prompt_sets
from ..clip_sam.rules import ZeroShotRequest
from ..errors import MedCLIPSegError, MissingModelError, listed, quoted
from ..inference.plane_choice import choose_plane
from ..inference.request import AdaptiveSampling, SegmentationRequest
from ..knowledge.planes import known_weights
from ..model.catalog import FIRST_MODEL, default_model, describe_model, find_model
from ..model.folder import read_config, read_knowledge
from ..model.manifest import zoo
from ..model.store import installed_models
from ..volumes.planes import choose_axis, parse_slice_range, slice_indices
from ..volumes.volume import Volume
from .choices import NO_SAM, OF_TRAINED_MODELS, RunChoices

PUBLISHED_TOWERS = "biomedclip"
Rule = TypeVar("Rule")


@dataclass(frozen=True)
class Chain:
    """What a method without training data runs on.

    Args:
        method: its name.
        towers: name or folder of the CLIP towers.
        sam: name or folder of the SAM; None for the coarse mask.
        study: kind of study, or None.
        sentences: what stands for a prompt in place of itself.
    """

    method: MethodName
    towers: str | Path
    sam: str | Path | None
    study: str | None = None
    sentences: Mapping[str, list[str]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run of a trained model that can start: what can be checked without loading the model is checked.

    Args:
        request: for the engine.
        model: name or folder of the model.
    """

    request: SegmentationRequest
    model: str | Path


@dataclass(frozen=True, eq=False)
class ChainRun:
    """A run of a method without training data that can start.

    Args:
        request: for the engine.
        model: the chain of the method.
    """

    request: ZeroShotRequest
    model: Chain


PreparedRun = TrainedRun | ChainRun


def prepare(volume: Volume, prompts: str | Sequence[str], choices: RunChoices) -> PreparedRun:
    """Check what a person asks for, and find the models.

    Args:
        volume: the image.
        prompts: one text, or one per segment.
        choices: of the person.

    Raises:
        MissingModelError: a model is not on this computer.
        MedCLIPSegError: bad input, or choices that do not fit the image or the prompts.
    """
    texts = (prompts,) if isinstance(prompts, str) else tuple(prompts)
    model = None if choices.method else choices.model or default_model()
    knowledge = read_knowledge(find_model(model)) if model is not None else None
    plane, chosen_by = choose_plane(volume, texts, choices.plane, knowledge)
    slices, count = choices.slices, choose_axis(volume, plane).count
    if isinstance(slices, str):
        slices = parse_slice_range(slices, count)
    slice_indices(slices, count)
    common: dict[str, Any] = {
        "volume": volume,
        "prompts": texts,
        "plane": plane,
        "slices": slices,
        "intensity": choices.intensity_rule,
        "judge": True,
        **{name: getattr(choices, name) for name in ("threshold", "start_slice", "seed", "device", "threads", "maps")},
    }
    if choices.method is None:
        assert model is not None
        adaptive = AdaptiveSampling() if choices.adaptive is True else choices.adaptive or None
        own: dict[str, Any] = {name: getattr(choices, name) for name in OF_TRAINED_MODELS} | {
            "adaptive": adaptive,
            "knows_plane": chosen_by == "knowledge",
            "plane_weights": known_weights(texts, knowledge) if knowledge is not None else None,
        }
        request = SegmentationRequest(**common, **{name: value for name, value in own.items() if value is not None})
        read_config(find_model(model))
        return TrainedRun(request, model)
    method = METHODS[choices.method]
    zero_shot_request = ZeroShotRequest(
        **common,
        binarization=choices.binarization or method.binarization,
        components=_changed(method.components, confidence=choices.confidence, most=choices.objects),
        pointing=_changed(method.pointing, kind=choices.object_prompts, padding=choices.padding, points=choices.points),
        keep_largest=method.keep_largest,
    )
    return ChainRun(zero_shot_request, choose_chain(choices, texts))


def choose_chain(choices: RunChoices, prompts: Sequence[str]) -> Chain:
    """What the method of some choices runs on.

    Args:
        choices: with a method.
        prompts: what to look for.

    Raises:
        MissingModelError: the towers or the SAM are not on this computer.
        MedCLIPSegError: there is no such study or kind, or the prompts do not go with the design.
    """
    assert choices.method is not None
    sentences = _sentences(choices, prompts)
    towers = choices.towers or (PUBLISHED_TOWERS if describe_model(PUBLISHED_TOWERS).on_disk else FIRST_MODEL)
    read_config(find_model(towers))
    sam = None if choices.sam == NO_SAM else choices.sam or _any_sam(METHODS[choices.method].sam)
    if sam is not None:
        find_model(sam)
    return Chain(choices.method, towers, sam, choices.study, sentences)


def _sentences(choices: RunChoices, prompts: Sequence[str]) -> dict[str, list[str]]:
    """What stands for the prompts by the design; empty when they stand for themselves."""
    design, study = choices.design, choices.study
    sets = load_prompt_sets(choices.prompt_sets or PUBLISHED_FILE)
    if study is not None and study not in sets.studies:
        raise MedCLIPSegError(f"There is no study '{quoted(study)}'; choose one of {listed(sets.studies)}.")
    if design is None:
        return {}
    if study is None:
        raise MedCLIPSegError(
            f"The prompt design {design} is that of a kind of study; choose a study too: {listed(sets.studies)}."
        )
    if len(prompts) != 1:
        raise MedCLIPSegError(f"The prompt design {design} speaks of one thing; give a single prompt that names it.")
    return {prompts[0]: sets.sentences(design, study, choices.kind)}


def _any_sam(published: str) -> str:
    """The SAM that is meant when none is named: the published one if it is here, else any that is."""
    there = [name for name in installed_models() if describe_model(name).kind == "sam"]
    if there:
        return published if published in there else there[0]
    others = [name for name, entry in zoo().items() if entry.kind == "sam" and name != published]
    raise MissingModelError(
        f"There is no SAM on this computer; get one with medclipseg models download {published} (or "
        f"{', '.join(others)}), bring a file with medclipseg models import, or choose {NO_SAM} as SAM for the coarse "
        "mask.",
        None,
    )


def _changed(rule: Rule, **values: object) -> Rule:
    """A rule with the values that were given."""
    given = {name: value for name, value in values.items() if value is not None}
    return dataclasses.replace(rule, **given)  # type: ignore[type-var]
