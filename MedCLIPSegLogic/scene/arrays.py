"""Voxels between numpy (K, J, I order) and VTK images."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy


def take_voxels(image: vtk.vtkImageData, voxels: NDArray[Any]) -> None:
    """Make an array the voxels of an image, without a copy: it belongs to the image from then on.

    Args:
        image: any image; its dimensions and scalars are replaced, spacing and origin stay.
        voxels: (K, J, I) or (K, J, I, C) in C order, any type VTK knows.
    """
    k, j, i = voxels.shape[:3]
    components = voxels.shape[3] if voxels.ndim == 4 else 1
    image.SetDimensions(i, j, k)
    image.GetPointData().SetScalars(numpy_to_vtk(voxels.reshape(-1, components), deep=False))


def voxel_view(image: vtk.vtkImageData) -> NDArray[Any]:
    """Return an image's own voxels: (K, J, I), or (K, J, I, C) when a voxel has C > 1 components.

    Whoever writes to them calls ``Modified()`` of the scalars and of the image. The view keeps the present scalars
    alive; those the image gets later are others.
    """
    i, j, k = image.GetDimensions()
    scalars = image.GetPointData().GetScalars()
    components = scalars.GetNumberOfComponents()
    shape = (k, j, i) if components == 1 else (k, j, i, components)
    return vtk_to_numpy(scalars).reshape(shape)


def copy_voxels(image: vtk.vtkImageData) -> NDArray[Any]:
    """Return a copy of an image's voxels: (K, J, I), or (K, J, I, C) when a voxel has C > 1 components."""
    # VTK owns the memory and may change it while a worker still reads.
    return voxel_view(image).copy()


def bounding_box(mask: NDArray[Any]) -> tuple[slice, slice, slice] | None:
    """Return the smallest box (K, J, I) with all voxels that aren't 0; None when there are none."""
    filled = np.flatnonzero(np.any(mask, axis=(1, 2)))
    if filled.size == 0:
        return None
    outline = np.any(mask[filled[0] : filled[-1] + 1], axis=0)
    ends = (filled, np.flatnonzero(outline.any(axis=1)), np.flatnonzero(outline.any(axis=0)))
    k, j, i = (slice(int(found[0]), int(found[-1]) + 1) for found in ends)
    return k, j, i
