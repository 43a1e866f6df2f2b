"""A run in words, for the status line."""

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress, SegmentationResult


def progressText(progress: "Progress") -> str:
    """Stage, slice, sample and remaining time of a run that is under way."""
    text = _("{stage}: slice {slice} of {slices}, sample {sample} of {samples}").format(
        stage=progress.stage,
        slice=progress.slice_number,
        slices=progress.slice_count,
        sample=progress.sample_number,
        samples=progress.sample_count,
    )
    return _("{progress}; {seconds} s left").format(progress=text, seconds=round(progress.seconds_left))


def resultText(result: "SegmentationResult") -> str:
    """What a finished run found, one line a prompt."""
    lines = [
        _('"{name}": {voxels} voxels, mean uncertainty {uncertainty} nats').format(
            name=prompt.name,
            voxels=int(prompt.mask.sum(dtype="int64")),
            uncertainty=f"{prompt.mean_uncertainty:.2f}",
        )
        for prompt in result.prompts
    ]
    return "\n".join([*lines, _("Done in {seconds} s.").format(seconds=f"{result.seconds:.1f}")])
