"""Images to try the module with, in Slicer's Sample Data module."""

import hashlib
import importlib.util
import json
from pathlib import Path

CATEGORY = "MedCLIPSeg"
THUMBNAILS = Path(__file__).resolve().parent.parent / "Resources" / "Icons"


def registerSampleData() -> None:
    """Offer the cases that come with the extension; they are copied from it, nothing is downloaded."""
    import SampleData

    folder = demoFolder()
    for case in json.loads((folder / "cases.json").read_text(encoding="utf-8")):
        image = folder / case["image"]
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=case["title"],
            uris=image.as_uri(),
            fileNames=image.name,
            nodeNames=case["title"],
            checksums="SHA256:" + hashlib.sha256(image.read_bytes()).hexdigest(),
            thumbnailFileName=str(THUMBNAILS / f"{case['name']}.png"),
            # Otherwise a picture among others in its folder would be taken for a slice of a stack.
            loadFileProperties={"singleFile": True},
        )


def demoFolder() -> Path:
    """Folder with the bundled cases."""
    package = importlib.util.find_spec("MedCLIPSegLogic")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "Resources" / "Demo"
