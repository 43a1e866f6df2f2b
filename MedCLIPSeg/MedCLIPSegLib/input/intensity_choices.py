"""The rules for gray values that the panel offers."""

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes import intensity

if TYPE_CHECKING:
    from MedCLIPSegLogic.volumes.intensity import IntensityRule

AUTOMATIC, DISPLAYED, PERCENTILE = "auto", "display", "percentile"


def intensityChoices() -> list[tuple[str, str]]:
    """(key, words) of every rule, in the order of the list."""
    words = {
        "lung": _("CT lung window"),
        "soft-tissue": _("CT soft tissue window"),
        "bone": _("CT bone window"),
        "brain": _("CT brain window"),
    }
    return [
        (AUTOMATIC, _("Automatic")),
        (DISPLAYED, _("As displayed (window/level)")),
        (PERCENTILE, _("Percentiles 0.5 to 99.5")),
        *((name, words[name]) for name in intensity.CT_PRESETS),
    ]


def intensityRule(key: str, volumeNode: Any) -> "IntensityRule | None":
    """The rule of a key; None lets the engine choose by the data, which is all that fits color images.

    Raises:
        MedCLIPSegError: the image has no window to take over.
    """
    if key == AUTOMATIC or volumeNode.IsA("vtkMRMLVectorVolumeNode"):
        return None
    if key == PERCENTILE:
        return intensity.percentile()
    if key != DISPLAYED:
        return intensity.preset(key)
    display = volumeNode.GetScalarVolumeDisplayNode()
    if display is None:
        raise MedCLIPSegError(
            _("The image “{name}” is not displayed, so it has no window; choose other gray values in Input.").format(
                name=volumeNode.GetName()
            )
        )
    return intensity.window(display.GetWindow(), display.GetLevel())
