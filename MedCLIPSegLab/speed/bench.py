"""Measure how fast this computer segments, beside the published way of sampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.device import choose_device
from MedCLIPSegLogic.inference.request import MAX_SAMPLES, Device
from MedCLIPSegLogic.model.catalog import FIRST_MODEL

from .cases import Case, data_set_cases, demo_cases
from .comparison import compare
from .machine import describe_machine
from .memory import in_new_process
from .random_model import benchmark_model
from .scene_speed import scene_speed
from .start_up import start_up
from .variants import Variant, measure, variants_for
from .volume_cost import volume_cost

PARTS = ("variants", "memory", "volumes", "start-up", "scene")


def bench(
    model: str = FIRST_MODEL,
    random_weights: bool = False,
    data: Sequence[str | Path] = (),
    limit: int | None = None,
    samples: int = 30,
    repeats: int = 3,
    device: Device = "auto",
    threads: int = 0,
    parts: Sequence[str] = PARTS,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Compare the engine's ways of sampling with the published loop on the same weights, noise and slices.

    Args:
        model: bundled model's name or model folder; with random weights also "unimedclip", at full size.
        random_weights: the model's sizes with random weights, to measure speed.
        data: data set folders whose test images are segmented; none for the bundled demo cases.
        limit: images a data set, or demo cases; None for all.
        samples: Monte-Carlo passes of the reference.
        repeats: rounds over all images.
        device: where to compute.
        threads: of the processor; 0 for torch's choice.
        parts: "variants" is the comparison, "memory" the peak memory of each variant; "volumes" (linear time, flat
            memory), "start-up" and "scene" are measured with the bundled model, whatever ``model`` is.
        progress: called with the share of a part that is done and a few words.

    Returns:
        The record, ready for JSON; times in seconds, memory in MB.

    Raises:
        MedCLIPSegError: bad input.
    """
    if not 3 <= samples <= MAX_SAMPLES:
        raise MedCLIPSegError(f"The number of samples is {samples}; it must be between 3 and {MAX_SAMPLES}.")
    if repeats < 1 or (limit is not None and limit < 1):
        raise MedCLIPSegError("The number of repeats and the limit must be at least 1.")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise MedCLIPSegError(f"There is no part '{unknown[0]}' of the benchmark; choose from {', '.join(PARTS)}.")
    if threads:
        torch.set_num_threads(threads)
    show = progress or (lambda share, words: None)
    where = choose_device(device)
    record: dict[str, Any] = {"machine": describe_machine(where), "device": str(where)}
    if {"variants", "memory"} & set(parts):
        cases = data_set_cases([Path(folder) for folder in data], limit) if data else demo_cases()[:limit]
        variants = variants_for(where)
        record |= {"samples": samples, "repeats": repeats, "slices": len(cases)}
        record["data"] = [Path(folder).resolve().name for folder in data] or ["bundled demo cases"]
        record |= _compare(model, random_weights, cases, variants, samples, repeats, where, parts, show)
    if "volumes" in parts:
        record["volumes"] = volume_cost(show)
    if "start-up" in parts:
        show(0.0, "start-up")
        record["start_up"] = start_up()
    if "scene" in parts:
        show(0.0, "a large result into the scene")
        record["scene"] = scene_speed()
    return record


def _compare(
    name: str,
    random_weights: bool,
    cases: Sequence[Case],
    variants: Sequence[Variant],
    samples: int,
    repeats: int,
    device: torch.device,
    parts: Sequence[str],
    show: Callable[[float, str], None],
) -> dict[str, Any]:
    model = benchmark_model(name, random_weights, [case.prompt for case in cases])
    record: dict[str, Any] = {
        "model": model.name,
        "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
    }
    if "variants" in parts:
        record |= compare(model, cases, variants, samples, repeats, device, show)
    if "memory" in parts:
        rows = record.setdefault("variants", [{"variant": variant.name} for variant in variants])
        for number, (variant, row) in enumerate(zip(variants, rows, strict=True)):
            show(number / len(variants), f"memory, {variant.name}")
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
                measure(variant, model, cases[0], samples, device)
                row["peak_mb"] = torch.cuda.max_memory_allocated(device) / 2**20
            else:
                _, peak = in_new_process(_measure_alone, name, random_weights, variant, samples)
                row["peak_mb"] = peak / 2**20
    return record


def _measure_alone(name: str, random_weights: bool, variant: Variant, samples: int) -> None:
    """A variant on the first demo case, in a process that does nothing else."""
    case = demo_cases()[0]
    measure(variant, benchmark_model(name, random_weights, [case.prompt]), case, samples, torch.device("cpu"))
