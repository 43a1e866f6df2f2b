"""What the panel offers for segmentation without training data."""

from slicer.i18n import tr as _

from MedCLIPSegLogic.model.catalog import ModelDescription, describe_model, known_models

AUTOMATIC, NO_SAM, AS_PUBLISHED = "", "none", -1
METHODS = {"medclip-sam": "MedCLIP-SAM", "medclip-sam-v2": "MedCLIP-SAMv2"}
"""Titles of the methods by their names in `MedCLIPSegLogic.zeroshot.methods`, which needs packages that may not be
installed before the first run."""


def isZeroShot(model: str) -> bool:
    """Whether an entry of the model chooser is a method that needs no training data."""
    return model in METHODS


def methodTitle(name: str) -> str:
    """Of a method, for the model chooser."""
    return _("{method} (zero-shot)").format(method=METHODS[name])


def towersChoices() -> list[tuple[str, str]]:
    """(name, words) of the CLIP towers: those that are here and the published ones."""
    described = [describe_model(name) for name in known_models()]
    shown = [each for each in described if each.kind == "backbone" or (each.kind == "model" and each.on_disk)]
    return [(AUTOMATIC, _("Automatic")), *((each.name, _label(each)) for each in shown)]


def samChoices() -> list[tuple[str, str]]:
    """(name, words) of the SAMs: those that are here and the published ones."""
    shown = [each for each in map(describe_model, known_models()) if each.kind == "sam"]
    return [
        (AUTOMATIC, _("Automatic")),
        (NO_SAM, _("None: the coarse mask")),
        *((each.name, _label(each)) for each in shown),
    ]


def promptChoices() -> list[tuple[str, str]]:
    """(key, words) of the ways to tell SAM of an object."""
    return [
        (AUTOMATIC, _("As published")),
        ("box", _("Boxes")),
        ("points", _("Points")),
        ("both", _("Boxes and points")),
    ]


def binarizationChoices() -> list[tuple[str, str]]:
    """(key, words) of the ways to cut a saliency map."""
    return [
        (AUTOMATIC, _("As published")),
        ("crf", _("Dense CRF")),
        ("otsu", _("Otsu's threshold")),
        ("two-means", _("2-means")),
    ]


def _label(description: ModelDescription) -> str:
    return description.title if description.on_disk else _("{title}, to download").format(title=description.title)
