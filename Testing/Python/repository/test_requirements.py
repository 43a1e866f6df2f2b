"""The panel installs the same packages, from the same versions on, as the Python package asks for."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
FROM_PYTORCH_EXTENSION = {"torch", "torchvision"}
SHIPPED_WITH_SLICER = {"numpy", "scipy", "SimpleITK", "pydicom", "slicer-core"}
COMMAND_LINE_ONLY = {"matplotlib", "typer", "rich"}


def project_requirements() -> dict[str, str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    return {Requirement(line).name: line for line in dependencies}


def test_panel_requirements_follow_the_project() -> None:
    listed = (ROOT / "MedCLIPSeg/Resources/requirements.txt").read_text(encoding="utf-8").split()
    left_out = FROM_PYTORCH_EXTENSION | SHIPPED_WITH_SLICER | COMMAND_LINE_ONLY
    assert listed == [line for name, line in project_requirements().items() if name not in left_out]


def test_panel_asks_for_the_same_torch() -> None:
    source = (ROOT / "MedCLIPSeg/MedCLIPSegLib/setup/dependencies.py").read_text(encoding="utf-8")
    values = [
        ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TORCH_REQUIREMENT"
    ]
    assert [f"torch{value}" for value in values] == [project_requirements()["torch"]]
