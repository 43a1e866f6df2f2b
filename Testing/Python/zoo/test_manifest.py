"""The list of published models says what is known and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import describe_model, known_models
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.model.library import find_model
from MedCLIPSegLogic.model.manifest import MANIFEST_FILE, consent_text, published_mean_dice, zoo
from MedCLIPSegLogic.model.store import NAME, SHA256

SETS = ("BUSI", "BTMRI", "ISIC", "Kvasir", "Covid19", "EUS")


def test_every_published_model_and_every_flavor_is_listed() -> None:
    models = {(e.training_set, e.training_share) for e in zoo().values() if e.kind == "model"}
    assert models == {(name, share) for name in SETS for share in (10, 25, 50, 100)}
    assert [e.name for e in zoo().values() if e.kind == "backbone"] == list(FLAVORS)
    assert published_mean_dice() == {10: 81.10, 25: 85.08, 50: 87.18, 100: 88.66}


def test_an_entry_is_complete() -> None:
    for name in zoo():
        entry = zoo()[name]
        assert NAME.fullmatch(name)
        assert entry.title
        assert entry.citation
        assert entry.flavor in ({"sam", "medsam"} if entry.kind == "sam" else FLAVORS)
        has_vocabulary = entry.kind != "sam" and FLAVORS[entry.flavor].tokenizer == "wordpiece"
        assert (entry.vocabulary is not None) == has_vocabulary
        assert entry.commercial_use == (entry.file.license in ("MIT", "Apache-2.0"))
        assert entry.file.license in consent_text(entry)
        for file in filter(None, (entry.file, entry.vocabulary)):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+", file.repository)
            assert ".." not in file.path
            assert file.size is None or file.size > 0
            assert file.sha256 is None or SHA256.fullmatch(file.sha256)
        if entry.kind == "model":
            share = "" if entry.training_share == 100 else f"_{entry.training_share}"
            assert entry.file.path == (
                f"{entry.training_set}{share}/trained_models/seed666/MedCLIPSeg_unimedclip_ViT-B-16_latest.pth"
            )


def test_names_are_unique_and_described_before_they_are_here() -> None:
    names = [item["name"] for item in json.loads(MANIFEST_FILE.read_text())["models"]]
    assert len(set(names)) == len(names)
    assert known_models() == ["mini", *names]
    model = describe_model("busi-25")
    assert (model.on_disk, model.kind, model.license) == (False, "model", "CC BY-NC 4.0")
    assert model.purpose == "Breast tumors in breast ultrasound. Trained on 25 % of BUSI."
    assert describe_model("biomedclip").published is zoo()["biomedclip"]


def test_a_folder_of_the_same_name_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "busi").mkdir()
    monkeypatch.chdir(tmp_path)
    assert describe_model("busi").title == zoo()["busi"].title
    with pytest.raises(MedCLIPSegError, match="models download busi"):
        find_model("busi")
