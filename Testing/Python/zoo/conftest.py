"""Small flavors in the place of the true ones, and a hub on this computer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub
from published_files import SMALL, save_published, small_network, write_vocabulary

from MedCLIPSegLogic.zoo import importing


@pytest.fixture
def small_flavors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let imports take checkpoints of the small flavors for those of the true ones."""
    monkeypatch.setattr(importing, "FLAVORS", SMALL)


@pytest.fixture
def a_checkpoint(tmp_path: Path, small_flavors: None) -> Path:
    """A published checkpoint of the small unimedclip, its vocabulary beside it."""
    folder = tmp_path / "stick"
    folder.mkdir()
    write_vocabulary(folder)
    return save_published(small_network("unimedclip"), folder / "latest.pth")


@pytest.fixture
def a_hub() -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        yield hub


@pytest.fixture
def outside(tmp_path: Path, a_home: Path) -> Iterator[Path]:
    """A folder in which nothing may change, together with the folder of models, which must end without models."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["secret.txt"]
    assert (folder / "secret.txt").read_text() == "secret"
    assert not (tmp_path / "executed").exists()
