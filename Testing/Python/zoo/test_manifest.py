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
from MedCLIPSegLogic.model.manifest import MANIFEST_FILE, NOT_STATED, consent_text, published_mean_dice, zoo
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
        assert f"License: {entry.file.license_text}" in consent_text(entry)
        assert (entry.file.license == NOT_STATED) == bool(entry.file.license_note)
        for file in filter(None, (entry.file, entry.vocabulary)):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+", file.repository)
            assert ".." not in file.path
            assert file.size is None or file.size > 0
            assert file.sha256 is None or SHA256.fullmatch(file.sha256)
            assert file.revision is None or re.fullmatch("[0-9a-f]{40}", file.revision)
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
    assert (model.on_disk, model.kind, model.license) == (False, "model", NOT_STATED)
    assert model.license_text == "not stated (probably CC BY-NC 4.0, that of the UniMed-CLIP towers inside)"
    assert model.purpose == "Breast tumors in breast ultrasound. Trained on 25 % of BUSI."
    assert describe_model("biomedclip").published is zoo()["biomedclip"]


def test_a_folder_of_the_same_name_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "busi").mkdir()
    monkeypatch.chdir(tmp_path)
    assert describe_model("busi").title == zoo()["busi"].title
    with pytest.raises(MedCLIPSegError, match="models download busi"):
        find_model("busi")


def test_licenses_nobody_stated_are_not_given_out_as_stated() -> None:
    unproved = {name for name, entry in zoo().items() if entry.file.license == NOT_STATED}
    assert unproved == {name for name, entry in zoo().items() if entry.kind == "model"} | {"pubmedclip"}
    assert not any(zoo()[name].commercial_use for name in unproved)


def test_a_size_that_is_not_known_is_told_as_the_least() -> None:
    entry = zoo()["busi"]
    assert entry.download_size() == (4 * entry.values, False)
    assert "at least 858 MB, or about 2.5 GB with the state of its training" in consent_text(entry)
    assert "Download: 2.5 GB\n" in consent_text(entry, 2_575_000_000)
    assert "Download: 598 MB\n" in consent_text(zoo()["clip"])


def test_what_is_known_of_openai_clip_is_stated() -> None:
    file = zoo()["clip"].file
    assert (file.size, file.sha256, file.revision) == (
        598_516_980,
        "4b8699299b1e8997753c64b052ba32031449d5d853f55a039148560ee02b820f",
        "977e3dd0ec55ab8da155f2fbeb6b5f54948b6e3d",
    )
