"""Folders of long runs, and the record that tells what was begun in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedCLIPSegLab.run_folder import RunKind
from MedCLIPSegLogic.errors import MedCLIPSegError

RUN = RunKind("training", "training.json", ("settings",))
WANTED = {"settings": {"steps": 3, "loss": [1, 2]}, "images": {"a.png": "1f"}, "device": "cpu"}


def test_a_run_is_begun_gone_on_with_and_finished(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    assert RUN.begin(folder, WANTED, {"device"}) == WANTED
    assert RUN.is_begun(folder)
    assert not RUN.is_finished(folder)
    RUN.write(folder, {**WANTED, "finished": True, "epochs": 7})
    again = RUN.begin(folder, {**WANTED, "device": "cuda"}, {"device"})
    assert again == {**WANTED, "device": "cuda", "finished": True, "epochs": 7}
    assert RUN.is_finished(folder)


def test_what_is_not_as_it_was_is_named(tmp_path: Path) -> None:
    RUN.begin(tmp_path / "run", WANTED, ())
    for change, words in (
        ({"device": "cuda"}, "begun with device cpu, not cuda; give the same options or choose another folder"),
        ({"settings": {"steps": 4, "loss": [1, 2]}}, r"begun with other settings \(such as steps\); give the same"),
        ({"images": {"a.png": "1f", "b.png": "2e"}}, r"begun with other images \(such as b.png\)"),
    ):
        with pytest.raises(MedCLIPSegError, match=words):
            RUN.begin(tmp_path / "run", {**WANTED, **change}, ())
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(MedCLIPSegError, match="is in use by something else; choose another folder"):
        RUN.begin(tmp_path, WANTED, ())
    with pytest.raises(MedCLIPSegError, match="is not empty; resume its training or choose another folder"):
        RUN.require_new(tmp_path)
    RUN.require_new(tmp_path / "new")


def test_without_a_whole_record_one_sentence_tells(tmp_path: Path) -> None:
    for text, words in (
        (None, "There is no interrupted training in .*: it has no training.json"),
        ('{"settings": 3}', "The record .*training.json of the training cannot be read: it is incomplete"),
        ("[]", "it is incomplete"),
        ("{", "training.json is not readable JSON: Expecting"),
        ("\udce4", "training.json cannot be read: line 1 is not text in UTF-8"),
    ):
        if text is not None:
            (tmp_path / "training.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(MedCLIPSegError, match=words):
            RUN.read(tmp_path)
