"""Measure how fast this computer segments, beside the published way of sampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from MedCLIPSegLogic.model.catalog import find_model

from ..data.prompt_sheets import ORIGINAL, find_sheets
from .settings import SpeedSettings

if TYPE_CHECKING:
    from .measured import Case
    from .variants import Variant


def speed(
    settings: SpeedSettings | None = None, progress: Callable[[float, str], None] | None = None
) -> dict[str, Any]:
    """Compare the engine's ways of sampling with the published loop on the same weights, noise and slices.

    Args:
        settings: what is measured; None for mini on the demo cases.
        progress: called with the share of a part that is done and a few words.

    Returns:
        The record, ready for JSON; times in seconds, memory in MB.

    Raises:
        MedCLIPSegError: there is no such model, device or data.
    """
    settings = settings or SpeedSettings()
    show = progress or (lambda share, words: None)
    if not settings.random_weights:
        find_model(settings.model)
    find_sheets(settings.data, [ORIGINAL])
    from MedCLIPSegLogic.inference.threads import threads_for

    # One number for all that is compared.
    with threads_for(settings.threads) as chosen, threads_for(chosen.used[0]):
        return _measured(settings, show)


def _measured(settings: SpeedSettings, show: Callable[[float, str], None]) -> dict[str, Any]:
    import torch

    from MedCLIPSegLogic.inference.device import choose_device

    from .comparison import compare
    from .machine import describe_machine, in_new_process
    from .measured import data_set_cases, demo_cases, measured_model
    from .variants import measure, variants_for

    device = choose_device(settings.device)
    cases = data_set_cases(settings.data, settings.limit) if settings.data else demo_cases()[: settings.limit]
    model = measured_model(settings.model, settings.random_weights, [case.prompt for case in cases])
    record: dict[str, Any] = {
        "machine": describe_machine(device),
        "device": str(device),
        "samples": settings.samples,
        "repeats": settings.repeats,
        "slices": len(cases),
        "data": [folder.resolve().name for folder in settings.data] or ["bundled demo cases"],
        "model": model.name,
        "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
    }
    variants = variants_for(device)
    if "variants" in settings.parts:
        record |= compare(model, cases, variants, settings.samples, settings.repeats, device, show)
    if "memory" in settings.parts:
        rows = record.setdefault("variants", [{"variant": variant.name} for variant in variants])
        for number, (variant, row) in enumerate(zip(variants, rows, strict=True)):
            show(number / len(variants), f"memory, {variant.name}")
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
                measure(variant, model, cases[0], settings.samples, device)
                peak = torch.cuda.max_memory_allocated(device)
            else:
                _, peak = in_new_process(_measure_alone, settings, variant, cases[0])
            row["peak_mb"] = peak / 2**20
    return record


def _measure_alone(settings: SpeedSettings, variant: Variant, case: Case) -> None:
    """A variant on one case, in a process that does nothing else."""
    import torch

    from .measured import measured_model
    from .variants import measure

    model = measured_model(settings.model, settings.random_weights, [case.prompt])
    measure(variant, model, case, settings.samples, torch.device("cpu"))
