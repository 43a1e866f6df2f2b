"""How the image is sliced: in the chosen plane, in that the model does best in, or in several that are fused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import slicer

from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.plane_choice import Fusion
    from MedCLIPSegLogic.inference.request import ChosenBy
    from MedCLIPSegLogic.knowledge.known import Knowledge
    from MedCLIPSegLogic.volumes.planes import Plane, SliceAxis

CHOOSER = "MedCLIPSegLogic.inference.plane_choice"
"""Who knows. It is imported ahead, in slices, as that takes too long for a panel that opens."""


def chooseAxis(
    volumeNode: slicer.vtkMRMLVolumeNode, plane: Plane, prompts: Sequence[str], knowledge: Knowledge | None
) -> tuple[SliceAxis | None, ChosenBy]:
    """How an image is sliced, and who chose the plane; no axis when the image has no such slices.

    Args:
        volumeNode: the image, with voxels.
        plane: chosen by the person.
        prompts: what is asked.
        knowledge: of the chosen model; None without any.
    """
    chosenBy: ChosenBy = "acquisition" if plane == "auto" else "person"
    try:
        from MedCLIPSegLogic.scene.volumes import outline_of, slice_axis_of

        if knowledge is not None and CHOOSER in sys.modules:
            from MedCLIPSegLogic.inference.plane_choice import choose_plane

            plane, chosenBy = choose_plane(outline_of(volumeNode), prompts, plane, knowledge)
        return slice_axis_of(volumeNode, plane), chosenBy
    # A picture cannot be cut in another plane; packages may not be installed before the first run.
    except (MedCLIPSegError, ModuleNotFoundError):
        return None, chosenBy


def planesToFuse(volumeNode: slicer.vtkMRMLVolumeNode, axis: SliceAxis) -> Fusion | None:
    """The planes of an image that can be fused, and what that costs.

    Args:
        volumeNode: the image, with voxels.
        axis: of the chosen plane.

    Returns:
        None for a picture and a single slice, where only one plane has good slices or the chosen one has none, and
        until it can be told.
    """
    if CHOOSER not in sys.modules:
        return None
    from MedCLIPSegLogic.inference.plane_choice import plan_fusion
    from MedCLIPSegLogic.scene.volumes import outline_of

    outline = outline_of(volumeNode)
    if outline.is_single_slice or not outline.spacing_known:
        return None
    fusion = plan_fusion(outline, axis.plane)
    return fusion if len(fusion.axes) > 1 and axis.name in fusion.planes else None
