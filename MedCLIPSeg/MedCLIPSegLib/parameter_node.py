"""What the panel keeps in the scene."""

from typing import TYPE_CHECKING, Annotated, Any

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLVectorVolumeNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

MAX_SEED = 2**31 - 1  # the largest a spin box holds

if TYPE_CHECKING:

    class _WrappedNode:
        """What the wrapper adds."""

        def __init__(self, node: Any) -> None: ...

        def connectGui(self, ui: Any) -> int: ...

        def disconnectGui(self, tag: int) -> None: ...

else:
    _WrappedNode = object


@parameterNodeWrapper
class MedCLIPSegParameterNode(_WrappedNode):
    """The panel's choices; saved with the scene and made anew when the scene closes.

    Args:
        inputVolume: the image to segment, gray or color.
        segmentation: where results of that image go; created by the first run.
        promptTable: rows of the prompt table, as written by `PromptRows.toJson`.
        currentRow: row the threshold, the review and the correction belong to; -1 for none.
        scope: how much is segmented: "slice", "range" or "volume".
        firstSlice: first slice of a range, counted from 0.
        lastSlice: last slice of a range, included.
        plane: direction of the slices: "auto", "axial", "coronal" or "sagittal".
        threePlanes: all three planes are segmented and fused, where the image and the model allow it.
        intensity: rule for gray values, a key of `intensity_choices.intensityChoices`.
        model: name of a bundled or installed model, path of a model folder, or a method without training data, a key
            of `zero_shot_choices.METHODS`; empty until the panel chooses.
        sampleCount: Monte-Carlo passes per slice, the most of them when ``adaptive``.
        adaptive: slices get fewer passes when their result has settled.
        noise: what a sample is one draw of: "slice" or "volume".
        smoothing: across the slices, mm; 0 for none.
        seed: of the noise.
        zeroShotTowers: name of the CLIP towers of a method without training data; empty for biomedclip, else mini.
        zeroShotSam: name of its SAM; "none" for the coarse mask, empty for one that is here.
        zeroShotStudy: kind of study, a name of the file of prompt sets; empty for any.
        zeroShotDesign: sentences of the study that stand for the prompt, "P0" to "P5"; empty for the prompt itself.
        zeroShotKind: kind of the object, which some designs need; empty until one is chosen.
        zeroShotPrompts: "box", "points" or "both"; empty as published.
        zeroShotPadding: percent of its size by which an object's box grows on each side.
        zeroShotPoints: how many points an object gets.
        zeroShotBinarization: "crf", "otsu" or "two-means"; empty as published.
        zeroShotConfidence: least mean saliency of an object in percent; -1 as published.
        zeroShotObjects: how many objects a slice has at most; 0 as published.
        overlayVisible: the map lies over the slice views.
        overlayMap: name of the map's role.
        overlayOpacity: opacity of the map, 0…1.
        overlayMinimum: smaller values of the map are transparent.
        outlinesOnly: segments are shown without filling.
        contoursVisible: contours of the probability of the selected row are shown.
    """

    inputVolume: vtkMRMLScalarVolumeNode | vtkMRMLVectorVolumeNode | None
    segmentation: vtkMRMLSegmentationNode
    promptTable: str
    currentRow: int = -1
    scope: str = "volume"
    firstSlice: int = 0
    lastSlice: int = 0
    plane: str = "auto"
    threePlanes: bool = False
    intensity: str = "auto"
    model: str = ""
    sampleCount: Annotated[int, WithinRange(1, 100)] = 30
    adaptive: bool = True
    noise: str = "slice"
    smoothing: Annotated[float, WithinRange(0, 50)] = 0.0
    seed: Annotated[int, WithinRange(0, MAX_SEED)] = 0
    zeroShotTowers: str = ""
    zeroShotSam: str = ""
    zeroShotStudy: str = ""
    zeroShotDesign: str = ""
    zeroShotKind: str = ""
    zeroShotPrompts: str = ""
    zeroShotPadding: Annotated[int, WithinRange(0, 100)] = 0
    zeroShotPoints: Annotated[int, WithinRange(1, 1000)] = 10
    zeroShotBinarization: str = ""
    zeroShotConfidence: Annotated[int, WithinRange(-1, 99)] = -1
    zeroShotObjects: Annotated[int, WithinRange(0, 1000)] = 0
    overlayVisible: bool = False
    overlayMap: str = "Uncertainty"
    overlayOpacity: Annotated[float, WithinRange(0, 1)] = 0.5
    overlayMinimum: Annotated[float, WithinRange(0, 1)] = 0.05
    outlinesOnly: bool = False
    contoursVisible: bool = False
