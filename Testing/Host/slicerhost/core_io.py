"""``slicer.app.coreIOManager()``: reads and writes the files tests need."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import SimpleITK
import slicer

from slicerhost.host_scene import HostScene

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class CoreIOManager:
    """Volumes, segmentations and scenes; the libraries at hand read no pictures, so SimpleITK does."""

    def __init__(self) -> None:
        self._host: HostScene | None = None

    def setScene(self, host: HostScene) -> None:
        """Read into and write from a scene."""
        self._host = host

    def fileType(self, fileName: str) -> str:
        if fileName.endswith((".mrml", ".mrb")):
            return "SceneFile"
        return "SegmentationFile" if fileName.endswith((".seg.nrrd", ".seg.nhdr")) else "VolumeFile"

    def loadNodes(self, fileType: str, properties: dict[str, Any], nodes: Any = None, messages: Any = None) -> bool:
        path = Path(properties["fileName"])
        if self._host is None or not path.is_file():
            return False
        if fileType == "SceneFile":
            self._host.scene.SetURL(str(path))
            return bool(self._loadBundle(path) if path.suffix == ".mrb" else self._host.scene.Connect())
        node = self._loadSegmentation(path) if fileType == "SegmentationFile" else self._loadVolume(path, properties)
        if node is not None and nodes is not None:
            nodes.AddItem(node)
        return node is not None

    def saveNodes(self, fileType: str, properties: dict[str, Any], messages: Any = None) -> bool:
        assert self._host is not None
        path = str(properties["fileName"])
        if fileType == "SceneFile":
            if path.endswith(".mrb"):
                return bool(self._host.scene.WriteToMRB(path, None))
            self._host.scene.SetURL(path)
            return bool(self._host.scene.Commit())
        node = self._host.scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        storage.SetUseCompression(properties.get("useCompression", 1))
        return bool(storage.WriteData(node))

    def exportNodes(
        self, ids: list[str], fileNames: list[str], properties: Any, hardenTransform: bool = False, messages: Any = None
    ) -> bool:
        pairs = zip(ids, fileNames, strict=True)
        return all(self.saveNodes("", {"nodeID": nodeId, "fileName": name}) for nodeId, name in pairs)

    def fileWriterFileType(self, node: Any) -> str:
        return "SegmentationFile" if node.IsA("vtkMRMLSegmentationNode") else "VolumeFile"

    def _loadBundle(self, path: Path) -> bool:
        assert self._host is not None
        return bool(self._host.scene.ReadFromMRB(str(path), True))

    def _loadSegmentation(self, path: Path) -> Any:
        assert self._host is not None
        return self._host.logics["segmentations"].LoadSegmentationFromFile(str(path))

    def _loadVolume(self, path: Path, properties: dict[str, Any]) -> Any:
        assert self._host is not None
        if path.suffix.lower() in PICTURES:
            node = self._loadPicture(path)
        else:
            options = 1 if properties.get("labelmap") else 0
            node = self._host.logics["volumes"].AddArchetypeVolume(str(path), path.name.partition(".")[0], options)
        if node is not None and properties.get("name"):
            node.SetName(properties["name"])
        # The application shows what it loads in all slice views.
        if node is not None and properties.get("show", True) and not node.IsA("vtkMRMLLabelMapVolumeNode"):
            slicer.util.setSliceViewerLayers(background=node, fit=True)
        return node

    def _loadPicture(self, path: Path) -> Any:
        """Read by the same code of ITK as the application, and through its storage node."""
        assert self._host is not None
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "picture.mha"
            SimpleITK.WriteImage(SimpleITK.ReadImage(str(path)), str(image))
            node = self._host.logics["volumes"].AddArchetypeVolume(str(image), path.stem, 0)
        node.GetStorageNode().SetFileName(str(path))
        return node
