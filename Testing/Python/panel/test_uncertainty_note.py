"""What the review says of segments that were made without samples."""

from __future__ import annotations

from typing import Any

import pythonqt
from slicerhost.fixtures import Pump
from zero_shot_panel import addPicture, choose, isShown, runAll, setChoice


def toolTips(table: Any) -> set[str]:
    return {table.item(row, column).toolTip() for row in range(table.rowCount) for column in (1, 2)}


def test_the_review_tells_what_the_uncertainty_is_for_every_kind_of_run(a_module_widget: Any, pump: Pump) -> None:
    """A zero-shot segment alone, beside one of a trained model, and gone again."""
    addPicture()
    logic, ui = a_module_widget.logic, a_module_widget.ui
    note = ui.uncertaintyNoteLabel
    choose(a_module_widget, "medclip-sam-v2")
    setChoice(ui.zeroShotSamComboBox, "none")
    ui.zeroShotConfidenceSpinBox.value = 0
    first = logic.rows.add(["tumor"])[0]
    logic.parameters.currentRow = 0
    runAll(a_module_widget, pump)
    pump(lambda: ui.sliceTable.rowCount > 0, 10)
    assert isShown(note)
    assert note.text.startswith("No samples were drawn (zero-shot). Uncertainty is the entropy of the score map")
    assert "mutual information is 0" in note.text
    assert toolTips(ui.sliceTable) == {"voxels; by the entropy of the score map, no samples were drawn"}
    pump(lambda: "no samples were drawn" in ui.statisticsTable.item(0, 3).toolTip(), 10)

    setChoice(ui.modelComboBox, "mini")
    logic.parameters.sampleCount = 2
    second = logic.rows.add(["whole picture"])[0]
    logic.run([second.rowId])
    pump(until=lambda: not logic.isRunning, seconds=120)
    pump(lambda: ui.statisticsTable.rowCount == 2 and ui.statisticsTable.item(1, 3).text() != "…", 10)
    assert note.text.startswith("No samples were drawn (zero-shot) for “tumor”.")
    assert ui.statisticsTable.item(1, 3).toolTip() == "nats"

    logic.run([first.rowId])
    pump(until=lambda: not logic.isRunning, seconds=120)
    pythonqt.processEvents(50)
    assert not isShown(note)
    assert note.text == ""
