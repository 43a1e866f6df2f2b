"""Which images are called foreign: those of the data sets, others, and those of the same kinds from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.inference.image_sight import look
from MedCLIPSegLogic.inference.judging import slices_to_look_at, spread_out
from MedCLIPSegLogic.knowledge.sight import ImageSight, seen_together
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ...data.image_folders import images_of
from ...data.prompt_sheets import PromptSheet, Split
from .answers import Answer, auroc, right_share

NATURAL = "natural pictures"
_PICTURES = {"matplotlib": "mpl-data/sample_data", "skimage": "data"}
"""Packages that bring pictures, and where; scikit-image need not be there."""
_MEDICAL = {"cell", "ihc", "microaneurysms", "phantom", "retina"}
"""Those of them that a medical model may know."""


def familiar_files(sheets: Sequence[PromptSheet], limit: int | None) -> dict[str, list[Path]]:
    """Images of the sheets, each once, by data set."""
    names = {sheet.set: list(dict.fromkeys(row.image for row in sheet.rows(limit))) for sheet in sheets}
    return {sheet.set: [sheet.images / name for name in names[sheet.set]] for sheet in sheets}


def files_in(folders: Sequence[Path], split: Split, limit: int | None) -> dict[str, list[Path]]:
    """Images of folders, by the names of the folders.

    Args:
        folders: data sets, of which those of the split are taken, or folders of images.
        split: whose images.
        limit: images of each folder at most, spread evenly; None for all.

    Raises:
        MedCLIPSegError: a folder holds no image.
    """
    found: dict[str, list[Path]] = {}
    for folder in folders:
        files = images_of(folder, split)
        step = max(1.0, len(files) / limit) if limit else 1.0
        found[folder.resolve().name] = [files[int(number * step)] for number in range(int(len(files) / step))]
    return found


def natural_files(limit: int | None) -> dict[str, list[Path]]:
    """Photographs and drawings that come with installed packages: three with matplotlib, more with scikit-image."""
    found: list[Path] = []
    for package, place in _PICTURES.items():
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec is not None else ():
            files = sorted((Path(root) / place).glob("*"))
            found += [path for path in files if path.suffix in (".png", ".jpg") and path.stem not in _MEDICAL]
    return {NATURAL: found[:limit]}


def probe_images(model: LoadedModel, probe: str, name: str, files: Sequence[Path]) -> Iterator[Answer]:
    """Look at each image.

    Args:
        model: to ask.
        probe: "foreign", where it is right to call an image foreign; "familiar" or "elsewhere", where it is wrong.
        name: of the folder.
        files: images.

    Raises:
        MedCLIPSegError: an image is unreadable.
    """
    for path in files:
        sight = _sight(model, read_volume(path))
        verdict = "foreign-image" if sight.is_foreign else "known-image"
        yield Answer(
            name, probe, path.name, "", int(sight.is_foreign == (probe == "foreign")), None, verdict, sight.foreign
        )


def _sight(model: LoadedModel, volume: Volume) -> ImageSight:
    """What a run over the whole image sees before it asks anything; nothing where all of it is flat."""
    axis, mapping = choose_axis(volume, "auto"), resolve(default_rule(volume), volume)
    pixels = (mapping.apply(axis.extract(volume.voxels, index)) for index in spread_out(range(axis.count)))
    sights = [look(model, shown) for shown in slices_to_look_at(pixels)]
    return seen_together(sights) if sights else ImageSight()


def summarize_images(answers: Sequence[Answer]) -> dict[str, Any]:
    """Share of right answers of each probe, and how well the score parts foreign images from familiar ones."""
    probes = {
        name: [answer for answer in answers if answer.probe == name] for name in ("familiar", "foreign", "elsewhere")
    }
    summary = {name: right_share(given) for name, given in probes.items() if given}
    scores = {name: [a.foreign for a in probes[name] if a.foreign is not None] for name in ("foreign", "familiar")}
    if "foreign" in summary:
        summary["foreign"]["auroc"] = auroc(scores["foreign"], scores["familiar"])
    return summary
