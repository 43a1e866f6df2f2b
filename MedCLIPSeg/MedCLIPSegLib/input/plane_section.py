"""The plane of the slices, and three planes fused, in the Input section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import isZeroShot
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.run.order import VOLUME
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.slicing import planesToFuse
from MedCLIPSegLib.widgets import silenced

if TYPE_CHECKING:
    from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
    from MedCLIPSegLogic.inference.plane_choice import Fusion

AUTO = "auto"


class PlaneSection(Section):
    """Says which plane is meant by the automatic one, and offers to fuse three, with what that costs."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._combo, self._fuse = ui.planeComboBox, ui.threePlanesCheckBox
        self._fuse.connect("toggled(bool)", self._onFuse)

    def refresh(self) -> None:
        """Show the choices of the scene."""
        parameters = self._logic.parameters
        if parameters is None:
            return
        self._refreshAutomatic(parameters)
        reason, fusion = self._obstacle(parameters)
        self._fuse.enabled = fusion is not None
        with silenced(self._fuse):
            self._fuse.checked = fusion is not None and parameters.threePlanes
        self._fuse.text, self._fuse.toolTip = _fuseTexts(fusion) if fusion is not None else (_("Fuse planes"), reason)

    def _refreshAutomatic(self, parameters: MedCLIPSegParameterNode) -> None:
        axis, chosenBy = self._logic.sliceAxisFor([row.prompt for row in self._logic.rows if row.canRun])
        plane = planeWords().get(axis.name) if axis is not None else None
        title = toolTip = _("Automatic")
        if plane is not None and parameters.plane == AUTO:
            title = _("Automatic: {plane}").format(plane=plane.lower())
            if chosenBy == "knowledge":
                toolTip = _("{title}, in which this model does best with these prompts").format(title=title)
            else:
                toolTip = _("{title}, as the image was acquired").format(title=title)
        index = self._combo.findData(AUTO)
        self._combo.setItemText(index, title)
        self._combo.setItemData(index, toolTip, qt.Qt.ToolTipRole)
        self._combo.toolTip = _("Direction of the slices the model looks at. {automatic}.").format(automatic=toolTip)

    def _obstacle(self, parameters: MedCLIPSegParameterNode) -> tuple[str, Fusion | None]:
        """Why planes cannot be fused, or those that can."""
        volumeNode, axis = self._logic.volumeNode, self._logic.sliceAxis
        if volumeNode is None or axis is None:
            return _("Choose a volume first."), None
        if isZeroShot(parameters.model):
            return _("A method without training data works in one plane."), None
        if axis.count == 1 or axis.plane == AUTO:
            return _("A picture or a single slice has one plane only."), None
        if parameters.scope != VOLUME:
            return _("Planes are fused over the whole volume only; choose it above."), None
        fusion = planesToFuse(volumeNode, axis)
        return _("The slices of this volume would be stripes in the chosen plane, or in both others."), fusion

    def _onFuse(self, checked: bool) -> None:
        if self._logic.parameters is not None:
            self._logic.parameters.threePlanes = checked


def planeWords() -> dict[str, str]:
    """Names of the planes."""
    return {"axial": _("Axial"), "coronal": _("Coronal"), "sagittal": _("Sagittal")}


def _fuseTexts(fusion: Fusion) -> tuple[str, str]:
    """What the check box says, and its tool tip."""
    times = f"{fusion.times_the_work:.2g}"
    isAll = len(fusion.axes) == len(planeWords())
    title = _("Fuse three planes: {times} × the work") if isAll else _("Fuse two planes: {times} × the work")
    toolTip = _(
        "Segments the whole volume in each plane and fuses the answers ({planes}): fewer holes and islands, and a map "
        "of where the planes disagree. {slices} slices instead of {one}, at most {times} times the work."
    )
    planes = ", ".join(planeWords()[plane].lower() for plane in fusion.planes)
    numbers = {"slices": fusion.slices, "one": fusion.slices_of_one, "times": times}
    return title.format(times=times), toolTip.format(planes=planes, **numbers)
