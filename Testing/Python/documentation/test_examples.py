"""What README and documentation show runs as it stands, in an empty folder and with the bundled images."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.results.demo import CASES

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_SLICER = "## In Slicer's Python console"
RESULT_FILES = {"preview.png", "run.json", "scene.mrb", "segmentation.seg.nrrd"}


def blocks(page: str, language: str) -> list[str]:
    """The examples of a page in a language, but for those of Slicer's console, which need the application."""
    text = (ROOT / page).read_text(encoding="utf-8")
    before, _, in_slicer = text.partition(IN_SLICER)
    elsewhere = before + in_slicer[in_slicer.find("\n## ") :] if in_slicer else text
    return [code for name, code in BLOCK.findall(elsewhere) if name == language]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_python_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = blocks(page, "python")
    assert code
    names: dict[str, object] = {"__name__": "__main__"}
    for block in code:
        exec(compile(block, page, "exec"), names)
    assert {path.name for path in (tmp_path / "result").iterdir()} > RESULT_FILES


@pytest.mark.slow
def test_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CASES, tmp_path / CASES.relative_to(ROOT))
    lines = [
        line for block in blocks("README.md", "sh") for line in block.splitlines() if line.startswith("medclipseg ")
    ]
    assert len(lines) == 2
    for line in lines:
        arguments = shlex.split(line)
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        assert {path.name for path in Path(arguments[-1]).iterdir()} > RESULT_FILES


@pytest.mark.slow
def test_the_notebook_runs_and_shows_results(tmp_path: Path) -> None:
    notebook = nbformat.read(ROOT / "docs" / "notebook.ipynb", 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "outputs are not committed"
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.data for cell in code for output in cell.outputs if output.output_type == "execute_result"]
    tables = [data["text/html"] for data in shown if "text/html" in data]
    assert [table.count("<tr>") for table in tables] == [2, 2, 6]
    assert ["data:image/png" in table for table in tables] == [True, True, False]
    assert {path.name for path in (tmp_path / "result").iterdir()} > RESULT_FILES
