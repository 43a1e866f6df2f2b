"""Colors of new segments, and the color scale of probability and uncertainty maps."""

from __future__ import annotations

import numpy as np
import slicer

from .nodes import Scene, nodes_of_class

Color = tuple[float, float, float]

SEGMENT_COLORS: tuple[Color, ...] = (
    (0.337, 0.706, 0.914),
    (0.000, 0.620, 0.451),
    (0.800, 0.475, 0.655),
    (0.902, 0.624, 0.000),
    (0.000, 0.447, 0.698),
    (0.941, 0.894, 0.259),
    (0.835, 0.369, 0.000),
    (0.600, 0.600, 0.600),
)
"""Okabe and Ito's set, which people with any common color vision deficiency tell apart; red, green, blue in 0…1.

Cold colors come first, as the first outlines often lie over the warm heat map.
"""

HEAT_COLOR_NODE_NAME = "MedCLIPSeg heat"

HEAT_COLORS = (
    (0.093, 0.004, 0.010),
    (0.227, 0.034, 0.063),
    (0.374, 0.002, 0.085),
    (0.505, 0.004, 0.103),
    (0.643, 0.006, 0.106),
    (0.785, 0.027, 0.091),
    (0.910, 0.137, 0.069),
    (0.987, 0.303, 0.006),
    (0.986, 0.491, 0.009),
    (0.995, 0.633, 0.013),
    (0.981, 0.773, 0.017),
    (0.959, 0.902, 0.229),
    (0.999, 0.985, 0.816),
)
"""Black over red and yellow to white at equal steps of CIE lightness; sRGB in 0…1.

Lightness alone gives the order of values, so the scale also reads in grey and with color vision deficiencies.
"""

_SAME = 0.02


def next_color(segmentation: slicer.vtkSegmentation) -> Color:
    """Return the first palette color that the fewest segments have."""
    present = [segmentation.GetNthSegment(index).GetColor() for index in range(segmentation.GetNumberOfSegments())]

    def uses(color: Color) -> int:
        return sum(bool(np.allclose(color, other, atol=_SAME)) for other in present)

    return min(SEGMENT_COLORS, key=uses)


def heat_color_node(scene: Scene) -> slicer.vtkMRMLProceduralColorNode:
    """Return the scene's heat colors; adds the node once."""
    for node in nodes_of_class(scene, "vtkMRMLProceduralColorNode"):
        if node.GetName() == HEAT_COLOR_NODE_NAME:
            return node
    node = slicer.vtkMRMLProceduralColorNode()
    node.SetName(HEAT_COLOR_NODE_NAME)
    node.SetAttribute("Category", "MedCLIPSeg")
    # A hidden node with a storage node would be left out of saved scenes.
    node.SetHideFromEditors(False)
    function = node.GetColorTransferFunction()
    function.RemoveAllPoints()
    for index, color in enumerate(HEAT_COLORS):
        function.AddRGBPoint(index / (len(HEAT_COLORS) - 1), *color)
    return scene.AddNode(node)
