"""Check data sets before they are trained or evaluated on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from MedCLIPSegLogic.errors import MedCLIPSegError

from .checking import CheckedImage, Finding, check_split, splits_of
from .leakage import Fingerprint, find_leaks, fingerprint


def check_data(data: Sequence[str | Path], progress: Callable[[int, int, Path], None] | None = None) -> list[Finding]:
    """Look for missing pairs, masks that don't fit or aren't binary, prompts without images, and leakage.

    Args:
        data: data set folders in MedCLIPSeg's layout; images are compared between all of them.
        progress: called after every image with its number from 1, about how many there are, and its file.

    Returns:
        What was found, errors first.

    Raises:
        MedCLIPSegError: a folder is no data set.
    """
    if not data:
        raise MedCLIPSegError("Give at least one data set folder.")
    parts = [(folder, split) for folder in map(Path, data) for split in splits_of(folder)]
    total = sum(len(list((folder / f"{split}_Folder" / "img").iterdir())) for folder, split in parts)
    findings: list[Finding] = []
    fingerprints: list[Fingerprint] = []
    for folder, split in parts:
        for event in check_split(folder, split):
            if isinstance(event, CheckedImage):
                fingerprints.append(fingerprint(event))
                if progress:
                    progress(len(fingerprints), max(total, len(fingerprints)), event.path)
            else:
                findings.append(event)
    findings.extend(find_leaks(fingerprints))
    return sorted(findings, key=lambda finding: (finding.severity != "error", finding.kind, str(finding.path)))
