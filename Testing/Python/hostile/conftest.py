"""The commands built once, which takes longer than most refusals."""

from __future__ import annotations

import pytest
import typer

from MedCLIPSegLab.cli import commands


@pytest.fixture(autouse=True, scope="module")
def built_commands() -> object:
    with pytest.MonkeyPatch.context() as patch:
        command = typer.main.get_command(commands.app)
        patch.setattr(commands, "app", command)
        yield
