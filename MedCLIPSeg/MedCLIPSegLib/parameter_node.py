"""What the panel keeps in the scene."""

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLVectorVolumeNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class MedCLIPSegParameterNode:
    """The panel's choices; saved with the scene and made anew when the scene closes.

    Args:
        inputVolume: the image to segment, gray or color.
        segmentation: where results go; created by the first run.
        prompt: what to look for, as typed.
    """

    inputVolume: vtkMRMLScalarVolumeNode | vtkMRMLVectorVolumeNode | None
    segmentation: vtkMRMLSegmentationNode
    prompt: str
