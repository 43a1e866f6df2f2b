"""What every refusal of a file has in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedCLIPSegLab.models.commands import import_model
from MedCLIPSegLogic.errors import MedCLIPSegError


def refused(file: Path, words: str, home: Path) -> None:
    """The import ends with one sentence and leaves no model behind."""
    with pytest.raises(MedCLIPSegError, match=words) as caught:
        import_model(file, "mine")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert len(sentence) < 500
    assert [path for path in home.rglob("*") if path.is_file() and path.name != ".lock"] == []
