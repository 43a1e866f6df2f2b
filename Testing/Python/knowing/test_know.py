"""``medclipseg know``: what a model knows, measured and written beside it."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.knowing import know as knowing
from MedCLIPSegLab.knowing.know import know
from MedCLIPSegLab.knowing.learning import learn_knowledge
from MedCLIPSegLab.knowing.sets import find_sets
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.folder import read_knowledge
from MedCLIPSegLogic.model.library import load_model

DEMO = Path(__file__).parents[3] / "MedCLIPSegLogic" / "Resources" / "Demo"


@pytest.mark.slow
def test_the_bundled_model_is_asked_in_many_words(breasts: Path) -> None:
    knowledge = learn_knowledge(load_model("mini"), find_sets([breasts], {}), True, torch.device("cpu"))
    [(name, thing)] = knowledge.kinds["breast ultrasound"].things.items()
    assert thing.images == 2
    assert thing.dice is not None
    assert thing.dice > 0.6
    assert {"tumor", "mass", "lesion"} <= {name, *thing.understood}
    assert {"malignancy", "pathology"} <= set(thing.not_understood)
    assert thing.unrelated == 0


def test_without_validation_images_everything_but_the_dice_is_known(brains: Path, a_model_folder: Path) -> None:
    before = {path.name for path in a_model_folder.iterdir()}
    know(a_model_folder, [brains], {"brains": "hippocampus MRI"})
    assert {path.name for path in a_model_folder.iterdir()} == before | {"knowledge.json"}
    knowledge = read_knowledge(a_model_folder)
    assert knowledge is not None
    kind = knowledge.kinds["hippocampus MRI"]
    assert set(kind.things) == {"anterior hippocampus", "posterior hippocampus"}
    assert all(thing.dice is None and not thing.wordings for thing in kind.things.values())
    assert kind.area == (0.102, 0.15, 0.2, 0.2, 0.2)
    assert knowledge.words["anterior"] == {"hippocampus MRI": 1}
    assert knowledge.things_of("hippocampus MRI") != []


def test_a_model_trained_with_styles_knows_their_words(brains: Path, a_model_folder: Path) -> None:
    (a_model_folder / "training.json").write_text(json.dumps({"settings": {"styles": None, "prompts": "varied"}}))
    know(a_model_folder, [brains])
    knowledge = read_knowledge(a_model_folder)
    assert knowledge is not None
    assert knowledge.words["find"] == {"brains": 1}


def test_thumbnails_are_small_pictures_inside_the_file(breasts: Path, a_model_folder: Path) -> None:
    pictures = {"breast ultrasound": DEMO / "breast_ultrasound.jpg"}
    know(a_model_folder, [breasts], thumbnails=pictures, limit=1)
    knowledge = read_knowledge(a_model_folder)
    assert knowledge is not None
    content = base64.b64decode(knowledge.kinds["breast ultrasound"].thumbnail)
    assert max(Image.open(io.BytesIO(content)).size) == 64
    with pytest.raises(MedCLIPSegError, match="'dermoscopy', but the kinds of image are breast ultrasound"):
        know(a_model_folder, [breasts], thumbnails={"dermoscopy": DEMO / "dermoscopy.jpg"})


def test_a_packaged_bundled_model_stays_as_it_is(
    breasts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowing, "CHECKOUT", tmp_path / "pyproject.toml")
    with pytest.raises(MedCLIPSegError, match="give --out"):
        know("mini", [breasts])


def test_a_failure_keeps_the_earlier_file(breasts: Path, a_model_folder: Path) -> None:
    file = know(a_model_folder, [breasts], limit=1)
    before = file.read_bytes()
    shutil.rmtree(breasts / "Train_Folder" / "label")
    with pytest.raises(MedCLIPSegError, match=r"0\.png"):
        know(a_model_folder, [breasts])
    assert file.read_bytes() == before


def test_the_command_and_models_info_tell_it(brains: Path, breasts: Path, a_model_folder: Path) -> None:
    bare = CliRunner().invoke(app, ["models", "info", str(a_model_folder)])
    assert "knows: not recorded; medclipseg know" in bare.output
    options = ["--data", str(brains), "--data", str(breasts), "--kind", "brains=brain MRI", "--limit", "1"]
    done = CliRunner().invoke(app, ["know", str(a_model_folder), *options])
    assert done.exit_code == 0, done.output
    printed = CliRunner().invoke(app, ["models", "info", str(a_model_folder)]).output
    assert (
        "knows brain MRI: 1 training images, volumes in the axial plane\n  anterior hippocampus, not measured"
        in printed
    )
    assert "knows breast ultrasound: 1 training images\n  tumor: Dice 0." in printed
    with pytest.raises(MedCLIPSegError, match="SET=NAME"):
        CliRunner().invoke(app, ["know", str(a_model_folder), *options, "--kind", "brains"], catch_exceptions=False)
