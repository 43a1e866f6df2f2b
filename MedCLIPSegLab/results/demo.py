"""The bundled cases with known truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import MedCLIPSegLogic
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.staging import check_free
from MedCLIPSegLogic.inference.result import Progress
from MedCLIPSegLogic.model.catalog import FIRST_MODEL
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.volumes.planes import Plane
from MedCLIPSegLogic.volumes.readers import read_volume

from ..data.truth import read_truth
from .result_files import PREVIEW_FILE
from .segmentation import Segmentation
from .segmenting import segment

CASES = Path(MedCLIPSegLogic.__file__).parent / "Resources" / "Demo"
CASES_FILE = "cases.json"
SAMPLES = 10


@dataclass(frozen=True)
class DemoCase:
    """One bundled case: image and mask are file names in the demo folder."""

    name: str
    title: str
    prompt: str
    image: str
    mask: str
    label_values: tuple[int, ...]
    plane: Plane


@dataclass(frozen=True)
class DemoOutcome:
    """What came of a case; ``dice`` is against the known truth, ``preview`` the picture to look at."""

    title: str
    prompt: str
    dice: float
    seconds: float
    preview: Path


def bundled_cases() -> list[DemoCase]:
    """The cases that come with the extension."""
    entries = json.loads((CASES / CASES_FILE).read_text(encoding="utf-8"))
    return [DemoCase(**{**entry, "label_values": tuple(entry["label_values"])}) for entry in entries]


def demo_image(name: str = "breast-ultrasound") -> Path:
    """The image of a bundled case, to try things on.

    Args:
        name: of the case, as the folders of ``medclipseg demo`` are named.

    Raises:
        MedCLIPSegError: there is no such case.
    """
    images = {case.name: CASES / case.image for case in bundled_cases()}
    if name not in images:
        raise MedCLIPSegError(f"There is no bundled case '{quoted(name)}'; choose {', '.join(images)}.")
    return images[name]


def demo(
    out: str | Path = "medclipseg-demo",
    overwrite: bool = False,
    progress: Callable[[str, Progress], None] | None = None,
    threads: str | int = "auto",
) -> list[DemoOutcome]:
    """Segment the bundled cases with the bundled model, one result folder per case.

    Args:
        out: folder for the results.
        overwrite: replace the results of an earlier demo.
        progress: called after every small step with the case's title.
        threads: of the processor; "auto" for what other programs leave.

    Raises:
        MedCLIPSegError: ``out`` cannot be written or holds results.
    """
    cases = bundled_cases()
    folders = [Path(out) / case.name for case in cases]
    for folder in folders:
        check_free(folder, overwrite)
    models = Models()
    outcomes = []
    for case, folder in zip(cases, folders, strict=True):
        truth = read_truth(CASES / case.mask, case.label_values, read_volume(CASES / case.image))
        made = segment(
            CASES / case.image,
            [case.prompt],
            folder,
            model=FIRST_MODEL,  # the cases are for it
            models=models,
            samples=SAMPLES,
            threads=threads,
            plane=case.plane,
            overwrite=overwrite,
            truth=truth,
            progress=partial(progress, case.title) if progress else None,
        )
        assert isinstance(made, Segmentation), "one image has one result"
        record = made.record
        dice = record["results"][0]["dice"]
        outcomes.append(DemoOutcome(case.title, case.prompt, dice, record["seconds"], folder / PREVIEW_FILE))
    return outcomes
