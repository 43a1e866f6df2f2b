"""``SampleData``: notes what is registered, and loads local samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlparse

import slicer


@dataclass(frozen=True)
class SampleDataSource:
    """One sample as it was registered."""

    sampleName: str
    uris: Any
    fileNames: Any
    nodeNames: Any
    checksums: Any
    thumbnailFileName: str | None
    loadFileType: Any
    loadFiles: Any
    loadFileProperties: dict[str, Any]
    customDownloader: Any


sources: dict[str, list[SampleDataSource]] = {}


class SampleDataLogic:
    """The part of the logic extensions use."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileType: Any = None,
        loadFiles: Any = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: Any = None,
    ) -> None:
        source = SampleDataSource(
            sampleName or "",
            uris,
            fileNames,
            nodeNames,
            checksums,
            thumbnailFileName,
            loadFileType,
            loadFiles,
            dict(loadFileProperties or {}),
            customDownloader,
        )
        known = sources.setdefault(category, [])
        if all(other.sampleName != source.sampleName for other in known):
            known.append(source)

    @staticmethod
    def downloadSample(sampleName: str) -> Any:
        """Load a sample whose file is on this computer; return its node.

        Raises:
            KeyError: no such sample.
        """
        for known in sources.values():
            for source in known:
                if source.sampleName == sampleName:
                    path = unquote(urlparse(source.uris).path)
                    node = slicer.util.loadVolume(path, dict(source.loadFileProperties))
                    node.SetName(source.nodeNames)
                    return node
        raise KeyError(sampleName)
