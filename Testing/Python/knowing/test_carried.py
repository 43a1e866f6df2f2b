"""What a model knows travels with it and is checked where it arrives; a training leaves it behind."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from MedCLIPSegLab.models.commands import export_model, import_model, verify_model
from MedCLIPSegLab.training import running
from MedCLIPSegLab.training.request import TRAINING_RUN
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.model.folder import read_knowledge, save_knowledge

KNOWN = Knowledge(kinds={"breast ultrasound": KnownKind(images=2, things={"tumor": KnownThing(images=2, dice=0.5)})})
SETTINGS = TrainingSettings(steps=2, batch_size=2, stages=((1.0, 32),), validate_every=1, kinds={"breasts": "US"})


def test_it_travels_in_an_archive(a_model_folder: Path, tmp_path: Path) -> None:
    save_knowledge(KNOWN, a_model_folder)
    archive = export_model(a_model_folder, tmp_path / "model.zip")
    carried = import_model(archive, "carried").folder
    assert read_knowledge(carried) == KNOWN
    verify_model("carried")


HARMFUL: dict[str, tuple[Callable[[dict], object], str]] = {
    "a name of megabytes": (
        lambda data: data["kinds"].update({"x" * 2**21: {"images": 1, "things": {}}}),
        "at most 80",
    ),
    "a Dice above 1": (lambda data: data["kinds"]["breast ultrasound"]["things"]["tumor"].update(dice=2), "dice"),
    "an unknown field": (lambda data: data.update(command="rm"), "command"),
    "a picture of megabytes": (
        lambda data: data["kinds"]["breast ultrasound"].update(thumbnail="x" * 2**21),
        "12000",
    ),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_one_is_refused_where_it_arrives(name: str, a_model_folder: Path, tmp_path: Path) -> None:
    harm, words = HARMFUL[name]
    save_knowledge(KNOWN, a_model_folder)
    data = json.loads((a_model_folder / "knowledge.json").read_text())
    harm(data)
    (a_model_folder / "knowledge.json").write_text(json.dumps(data))
    with pytest.raises(MedCLIPSegError, match=f"knowledge.json is damaged: .*{words}") as refusal:
        verify_model(a_model_folder)
    assert len(str(refusal.value)) < 400 + len(str(a_model_folder))
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        for path in a_model_folder.iterdir():
            archive.write(path, path.name)
    with pytest.raises(MedCLIPSegError, match=words):
        import_model(tmp_path / "model.zip", "harmful")


def test_a_finished_training_has_it_and_one_killed_meanwhile_goes_on_to_it(
    breasts: Path, a_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    with monkeypatch.context() as patch:
        patch.setattr(running, "record_knowledge", lambda *arguments: 1 / 0)  # killed
        with pytest.raises(ZeroDivisionError):
            train([breasts], folder, SETTINGS, start_from=a_model_folder)
    assert read_knowledge(folder) is None
    assert not TRAINING_RUN.is_finished(folder)
    train([breasts], folder, resume=True)
    knowledge = read_knowledge(folder)
    assert TRAINING_RUN.is_finished(folder)
    assert knowledge is not None
    assert set(knowledge.kinds) == {"US"}
    assert knowledge.kinds["US"].images == 3
    assert "find" in knowledge.words  # the recipe varies the prompts


def test_kinds_and_others_are_checked_before_the_training(breasts: Path, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="'nobody'"):
        train([breasts], tmp_path / "model", SETTINGS.changed({"kinds": {"nobody": "US"}}))
    with pytest.raises(MedCLIPSegError, match="no image in"):
        train([breasts], tmp_path / "model", SETTINGS.changed({"others": [str(tmp_path / "nowhere")]}))
    assert not (tmp_path / "model").exists()
