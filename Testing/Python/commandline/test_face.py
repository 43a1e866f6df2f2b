"""Every command is a function, importable from the package, and calling the command line leaves no trace."""

from __future__ import annotations

import ast
import signal
import sys
from pathlib import Path

import pytest
import typer.main

import MedCLIPSegLogic
from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.cli.commands import app

SOURCE = Path(MedCLIPSegLogic.__file__).read_text(encoding="utf-8")


def imported_for_types() -> dict[str, str]:
    """Functions that the package names for type checkers, with their modules."""
    block = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {
        str(name.asname): f"MedCLIPSegLogic.{node.module}" if node.level else str(node.module)
        for node in imports
        for name in node.names
    }


def commands() -> set[str]:
    """Names of the visible commands, those of groups as "models list"."""
    found = set()
    for name, command in typer.main.get_group(app).commands.items():
        if hasattr(command, "commands"):
            found |= {f"{name} {inner}" for inner in command.commands}
        elif not command.hidden:
            found.add(name)
    return found


def test_every_function_is_there_where_the_type_checker_sees_it() -> None:
    for name, module in imported_for_types().items():
        function = getattr(MedCLIPSegLogic, name)
        assert callable(function)
        assert (function.__module__, function.__name__) == (module, name)
    assert set(imported_for_types()) <= set(dir(MedCLIPSegLogic))
    with pytest.raises(AttributeError, match="no attribute 'bench'"):
        MedCLIPSegLogic.bench  # noqa: B018


def test_every_command_has_its_function() -> None:
    functions = set(imported_for_types())
    for command in commands():
        group, _, verb = command.replace("-", "_").rpartition(" ")
        names = {verb} if not group else {f"{verb}_{group}", f"{verb}_{group[:-1]}", f"{group[:-1]}_{verb}"}
        assert names & functions, command
    assert {"speed", "paper-tables", "models list", "data check"} <= commands()


def test_former_names_still_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for former in ("bench", "benchmark"):
        monkeypatch.setattr(sys, "argv", ["medclipseg", former, "--help"])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 0
        assert "deprecated" in capsys.readouterr().out


def test_the_handler_of_sigterm_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "argv", ["medclipseg", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert signal.getsignal(signal.SIGTERM) is before
