"""Image-caption pairs: real images with their captions, and small made ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pair_tables import write_table
from PIL import Image
from published_files import SMALL, open_clip_layout, openai_layout, small_network, write_vocabulary

from MedCLIPSegLab.models.commands import import_model
from MedCLIPSegLogic.zoo import importing

NUMBERS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@pytest.fixture(autouse=True)
def few_threads() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def some_pairs(tmp_path: Path) -> Path:
    """A table of ten pictures of a disc each, brighter from one to the next."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    rng = np.random.default_rng(2)
    disc = np.hypot(*(np.mgrid[:40, :40] - 20)) < 9
    for number in range(len(NUMBERS)):
        pixels = 20 + 22 * number * disc[..., None] + rng.integers(0, 12, (40, 40, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return write_table(
        folder / "pairs.csv", [(f"{n}.png", f"{word} brightness of a disc") for n, word in enumerate(NUMBERS)]
    )


@pytest.fixture
def a_data_set(tmp_path: Path, some_pairs: Path) -> Path:
    """Two of the pictures with the masks of their discs, to train on."""
    folder = tmp_path / "discs"
    for kind in ("img", "label"):
        (folder / "Train_Folder" / kind).mkdir(parents=True)
    (folder / "Prompts_Folder").mkdir()
    rows = ["Image,Description,Ground Truth"]
    mask = Image.fromarray(((np.hypot(*(np.mgrid[:40, :40] - 20)) < 9) * 255).astype(np.uint8))
    for number in (4, 5):
        (folder / "Train_Folder" / "img" / f"{number}.png").write_bytes(
            some_pairs.with_name(f"{number}.png").read_bytes()
        )
        mask.save(folder / "Train_Folder" / "label" / f"{number}.png")
        rows.append(f"{number}.png,a disc,{number}.png")
    (folder / "Prompts_Folder" / "Train_text.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture
def a_backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Factory of an installed backbone of a small flavor."""

    def make(flavor: str) -> str:
        monkeypatch.setattr(importing, "FLAVORS", SMALL)
        write_vocabulary(tmp_path)
        layout = openai_layout if SMALL[flavor].tokenizer == "clip" else open_clip_layout
        torch.save(layout(small_network(flavor)), tmp_path / "backbone.pt")
        import_model(tmp_path / "backbone.pt", flavor)
        return flavor

    return make
