"""A run in words, for the status line."""

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress, SegmentationResult


def progressText(progress: "Progress", isZeroShot: bool = False) -> str:
    """Stage, slice, sample or prompt, remaining time and device of a run that is under way."""
    words = (
        _("{stage}: slice {slice} of {slices}, prompt {sample} of {samples}; {left} left; {device}")
        if isZeroShot
        else _("{stage}: slice {slice} of {slices}, sample {sample} of {samples}; {left} left; {device}")
    )
    return words.format(
        stage=_(progress.stage),
        slice=progress.slice_number,
        slices=progress.slice_count,
        sample=progress.sample_number,
        samples=progress.sample_count,
        left=durationText(progress.seconds_left),
        device=deviceText(progress.device),
    )


def durationText(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 60:
        return _("{seconds} s").format(seconds=round(seconds))
    return _("{minutes} min {seconds} s").format(minutes=int(seconds) // 60, seconds=int(seconds) % 60)


def deviceText(device: str) -> str:
    """Name of a torch device for people."""
    return _("graphics card") if device.startswith("cuda") else _("processor")


def resultText(result: "SegmentationResult", names: list[str]) -> str:
    """What a finished run found, one line a prompt.

    Args:
        result: of the run.
        names: names of the rows, in the order of the prompts.
    """
    from MedCLIPSegLogic.clip_sam.result import ZeroShotResult

    lines = []
    for name, prompt in zip(names, result.prompts, strict=True):
        if prompt.mask.any():
            lines.append(
                _("{name}: mean uncertainty {uncertainty} nats.").format(
                    name=name, uncertainty=f"{prompt.mean_uncertainty:.2f}"
                )
            )
        else:
            lines.append(_("{name}: nothing found.").format(name=name))
    drawn = [count for prompt in result.prompts for count in prompt.samples_drawn if count]
    if drawn:
        lines.append(_("{samples} samples a slice.").format(samples=f"{sum(drawn) / len(drawn):.3g}"))
    if isinstance(result, ZeroShotResult):
        lines.append(_("Uncertainty is the entropy of the score map; no samples were drawn."))
        if result.settings["sam"] is None:
            lines.append(_("The masks are coarse: no SAM was used."))
    return "\n".join([*lines, _("Done in {time}.").format(time=durationText(result.seconds))])
