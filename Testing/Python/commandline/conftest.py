"""What ``medclipseg`` refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def refusal(call: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """Calls ``medclipseg``, checks code 2, one sentence and no new file, and returns the sentence."""

    def run(*arguments: object, out: Path = tmp_path / "out") -> str:
        before = sorted(str(path) for path in tmp_path.rglob("*"))
        assert call(*arguments, "--out", out) == 2
        assert sorted(str(path) for path in tmp_path.rglob("*")) == before
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("medclipseg: ")
        assert lines[0].rstrip().endswith(".")
        return lines[0]

    return run
