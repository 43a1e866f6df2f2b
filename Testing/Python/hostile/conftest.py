"""The commands built once, which takes longer than most refusals."""

from __future__ import annotations

import pytest
import typer

from MedCLIPSegLab.cli import app as commandline


@pytest.fixture(autouse=True, scope="session")
def built_commands() -> object:
    with pytest.MonkeyPatch.context() as patch:
        command = typer.main.get_command(commandline.app)
        patch.setattr(commandline, "app", command)
        yield
