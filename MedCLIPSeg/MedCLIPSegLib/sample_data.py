"""Images to try the module with: in Slicer's Sample Data module, and by a click in the panel."""

import hashlib
import importlib.util
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer

from MedCLIPSegLib.widgets import ICONS

CATEGORY = "MedCLIPSeg"
# Otherwise a picture among others in its folder would be taken for a slice of a stack.
ONE_FILE = {"singleFile": True}


@dataclass(frozen=True)
class SampleCase:
    """An image that comes with the extension.

    Args:
        title: for people.
        prompt: what there is to find.
        image: its file.
        thumbnail: a small picture of it.
        plane: of the slices to segment.
    """

    title: str
    prompt: str
    image: Path
    thumbnail: Path
    plane: str

    def shows(self, kind: str, names: Iterable[str]) -> bool:
        """Whether it is of a kind of image, such as "brain MRI", and shows a thing with one of some names."""
        isOfKind = kind.casefold() == self.title.casefold() or kind.casefold() in self.prompt.casefold()
        return isOfKind and any(name.casefold() in self.prompt.casefold() for name in names)


def sampleCases() -> list[SampleCase]:
    """The cases that come with the extension."""
    folder = demoFolder()
    return [
        SampleCase(
            case["title"],
            case["prompt"],
            folder / case["image"],
            ICONS / f"{case['name']}.png",
            case["plane"],
        )
        for case in json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    ]


def registerSampleData() -> None:
    """Offer the cases that come with the extension; they are copied from it, nothing is downloaded."""
    import SampleData

    for case in sampleCases():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=case.title,
            uris=case.image.as_uri(),
            fileNames=case.image.name,
            nodeNames=case.title,
            checksums="SHA256:" + hashlib.sha256(case.image.read_bytes()).hexdigest(),
            thumbnailFileName=str(case.thumbnail),
            loadFileProperties=ONE_FILE,
        )


def loadSample(case: SampleCase) -> Any:
    """Load a case and show it in the slice views; one that was loaded this way is taken again. Returns its node."""
    nodes = slicer.util.getNodesByClass("vtkMRMLVolumeNode")
    node = next((node for node in nodes if _fileOf(node) == str(case.image)), None)
    if node is None:
        node = slicer.util.loadVolume(str(case.image), {**ONE_FILE, "name": case.title})
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def _fileOf(node: Any) -> str:
    storage = node.GetStorageNode()
    return str(storage.GetFileName()) if storage is not None else ""


def demoFolder() -> Path:
    """Folder with the bundled cases."""
    package = importlib.util.find_spec("MedCLIPSegLogic")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "Resources" / "Demo"
