"""The module file as Slicer meets it at start-up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]
HELPERS = sorted((ROOT / "MedCLIPSeg" / "MedCLIPSegLib").glob("*.py"))


def test_describes_itself(module: ModuleType) -> None:
    parent = SimpleNamespace()
    module.MedCLIPSeg(parent)
    assert parent.title == "MedCLIPSeg"
    assert parent.categories == ["Segmentation"]
    assert parent.dependencies == []
    assert "not for clinical use" in parent.helpText


def test_has_the_classes_slicer_looks_for(module: ModuleType) -> None:
    for suffix in ("", "Widget", "Logic", "Test"):
        assert isinstance(getattr(module, f"MedCLIPSeg{suffix}"), type)


def test_start_up_loads_nothing_heavy() -> None:
    code = (
        "import sys, slicer\n"
        "import application_double\n"
        "sys.modules.update(application_double.modules())\n"
        "slicer.mrmlScene = slicer.vtkMRMLScene()\n"
        "import slicer.util, MedCLIPSeg\n"
        "heavy = ('torch', 'open_clip', 'transformers', 'cv2', 'MedCLIPSegLogic.model', 'MedCLIPSegLogic.inference')\n"
        "print(*[name for name in heavy if name in sys.modules])\n"
    )
    path = f"import sys; sys.path[:0] = {[str(ROOT / 'MedCLIPSeg'), str(Path(__file__).parent)]!r}\n"
    answer = subprocess.run([sys.executable, "-c", path + code], cwd="/", capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_source_tree_is_put_on_the_path(application: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT])
    import MedCLIPSegLib

    assert sys.path[-1] == str(ROOT)
    assert Path(MedCLIPSegLib.__file__).parent.name == "MedCLIPSegLib"


def test_closing_a_panel_that_was_never_opened(module: ModuleType) -> None:
    module.MedCLIPSegWidget().cleanup()


def test_reload_forgets_the_helper_packages(module: ModuleType) -> None:
    kept = {name: value for name, value in sys.modules.items() if name.partition(".")[0] == "MedCLIPSegLogic"}
    try:
        widget = module.MedCLIPSegWidget()
        widget.onReload()
        names = {name.partition(".")[0] for name in sys.modules}
        assert not names & {"MedCLIPSegLib", "MedCLIPSegLogic"}
        assert widget.reloads == 1
    finally:
        sys.modules.update(kept)


@pytest.mark.parametrize("path", HELPERS, ids=lambda path: path.name)
def test_helper_file_holds_one_class_at_most(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\nclass ") <= 1
