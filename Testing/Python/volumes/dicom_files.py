"""Small DICOM files for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def write_dicom(path: Path, pixels: NDArray[Any], sop_class: str = CTImageStorage, **tags: Any) -> None:
    """Write (H, W), (H, W, 3) or, with ``NumberOfFrames`` among the tags, (frames, H, W) integers."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    is_color = pixels.ndim == 3 and "NumberOfFrames" not in tags
    defaults = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "Modality": "CT",
        "SamplesPerPixel": 3 if is_color else 1,
        "PhotometricInterpretation": "RGB" if is_color else "MONOCHROME2",
        "Rows": pixels.shape[0 if is_color else -2],
        "Columns": pixels.shape[1 if is_color else -1],
        "BitsAllocated": pixels.itemsize * 8,
        "BitsStored": pixels.itemsize * 8,
        "HighBit": pixels.itemsize * 8 - 1,
        "PixelRepresentation": int(np.issubdtype(pixels.dtype, np.signedinteger)),
    }
    if is_color:
        defaults["PlanarConfiguration"] = 0
    for name, value in {**defaults, **tags}.items():
        setattr(dataset, name, value)
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path)


def lps_tags(ijk_to_ras: NDArray[np.float64], index: int = 0) -> dict[str, Any]:
    """Position, orientation and pixel size of slice ``index`` of a volume with this matrix."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    cosines = lps[:3, :2] / spacing[:2]
    position = lps[:3, 3] + index * lps[:3, 2]
    return {
        "ImagePositionPatient": _decimals(position),
        "ImageOrientationPatient": _decimals(cosines.T.ravel()),
        "PixelSpacing": _decimals(spacing[[1, 0]]),
    }


def write_series(folder: Path, voxels: NDArray[Any], ijk_to_ras: NDArray[np.float64], **tags: Any) -> list[Path]:
    """Write a (K, J, I) volume as one series under names in random order; returns the files from slice 0 on."""
    numbers = np.random.default_rng(7).permutation(len(voxels))
    files = [folder / f"{number:03d}.dcm" for number in numbers]
    for index, (file, pixels) in enumerate(zip(files, voxels, strict=True)):
        write_dicom(file, pixels, **{**lps_tags(ijk_to_ras, index), **tags})
    return files


def enhanced_tags(ijk_to_ras: NDArray[np.float64], indices: list[int]) -> dict[str, Any]:
    """Tags of a multi-frame file whose frames are these slices of a volume."""
    shared = Dataset()
    frames = []
    for index in indices:
        tags = lps_tags(ijk_to_ras, index)
        position, orientation, measures, frame = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = tags["ImagePositionPatient"]
        orientation.ImageOrientationPatient = tags["ImageOrientationPatient"]
        measures.PixelSpacing = tags["PixelSpacing"]
        measures.SliceThickness = "2.9"
        shared.PlaneOrientationSequence = [orientation]
        shared.PixelMeasuresSequence = [measures]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    return {
        "NumberOfFrames": len(indices),
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": frames,
        "Modality": "MR",
    }


def _decimals(values: NDArray[np.float64]) -> list[str]:
    """DICOM decimal strings of at most 16 characters."""
    return [f"{value:.10f}"[:16] for value in values]
