"""What is known of models without loading them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model import catalog, library
from MedCLIPSegLogic.model.catalog import BUNDLED_MODELS, CARD_FILE, describe_model, require_model_folder


def test_the_bundled_model_says_what_it_is_for() -> None:
    mini = describe_model("mini")
    assert (mini.name, mini.folder, mini.on_disk) == ("mini", BUNDLED_MODELS / "mini", True)
    assert mini.size_bytes == (BUNDLED_MODELS / "mini" / "model.safetensors").stat().st_size
    assert "mini" in mini.title
    assert "CC BY-SA 4.0" in mini.license


def test_the_card_of_the_bundled_model_agrees_with_its_record() -> None:
    folder = BUNDLED_MODELS / "mini"
    purpose = describe_model("mini").purpose
    words = {
        "BUSI": "breast lesions in ultrasound",
        "Kvasir": "polyps in colonoscopy",
        "BRISC": "tumors in contrast-enhanced T1 brain MRI",
        "ISIC": "skin lesions in dermoscopy",
        "MSDHippocampus": "hippocampus in brain MRI",
        "BrainTumorProgression": "tumors in contrast-enhanced T1 brain MRI",
        "CXRPediatric": "lungs in chest X-ray of children",
        "LungCTCovid": "lungs and infection in chest CT",
        "HC18": "fetal head in ultrasound",
        "Nuclei": "cell nuclei in microscopy",
        "SpineMRI": "lumbar spine",
        "HeartMRI": "heart in MRI",
        "KidneyMRI": "kidneys in MRI",
        "SpleenCT": "spleen",
        "HepaticCT": "liver",
        "LungTumorCT": "lung tumor in CT",
        "FIVES": "retinal vessels",
        "CarotidUS": "carotid artery in ultrasound",
    }
    sets = json.loads((folder / "training.json").read_text(encoding="utf-8"))["data"]
    assert set(words) == set(sets)
    assert all(words[name] in purpose for name in sets)
    stated = re.search(r"license of the weights \| ([^,|]+)", (folder / "README.md").read_text(encoding="utf-8"))
    assert stated is not None
    assert describe_model("mini").license == stated[1].strip()


def test_the_same_models_are_listed_and_loaded(a_model_folder: Path) -> None:
    assert catalog.bundled_models() == ["mini"]
    assert catalog.find_model("mini") == describe_model("mini").folder
    assert catalog.find_model(a_model_folder) == require_model_folder(a_model_folder).folder
    assert library.load_model(describe_model(str(a_model_folder)).name).name == a_model_folder.name


def test_a_folder_without_card_is_called_by_its_name(a_model_folder: Path) -> None:
    model = describe_model(a_model_folder)
    assert (model.title, model.purpose, model.license) == ("a_model", "", "")
    assert (model.name, model.folder, model.on_disk) == (str(a_model_folder), a_model_folder, True)
    assert model.size_bytes > 1000


def test_a_card_is_read(a_model_folder: Path) -> None:
    card = {"title": "Léa", "purpose": "livers\nin CT", "license": "MIT", "more": {"x": 1}}
    (a_model_folder / CARD_FILE).write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")
    model = describe_model(a_model_folder)
    assert (model.title, model.purpose, model.license) == ("Léa", "livers in CT", "MIT")


def test_a_damaged_card_does_no_harm(a_model_folder: Path) -> None:
    for card in [b"", b"{", b"[1]", b"\xff\xfe", b'{"purpose": 3, "title": null}', b"[" * 100_000]:
        (a_model_folder / CARD_FILE).write_bytes(card)
        model = require_model_folder(a_model_folder)
        assert (model.title, model.purpose, model.on_disk) == ("a_model", "", True)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_no_model(a_model_folder: Path, missing: str) -> None:
    (a_model_folder / missing).unlink()
    assert not describe_model(a_model_folder).on_disk
    with pytest.raises(MedCLIPSegError, match=f"has no {re.escape(missing)};") as caught:
        require_model_folder(a_model_folder)
    assert str(a_model_folder) in str(caught.value)


def test_a_model_that_is_gone_is_described_as_such() -> None:
    for name in ["gone", "/gone/model", "", "x" * 5000, "a\0b"]:
        model = describe_model(name)
        assert (model.name, model.size_bytes, model.on_disk) == (name, 0, False)
        assert model.title == (Path(name).name or name)


def test_describing_a_model_loads_no_engine() -> None:
    code = (
        "import sys; from MedCLIPSegLogic.model.catalog import describe_model; assert describe_model('mini').on_disk; "
        "print(*{'torch', 'numpy', 'slicer', 'safetensors', 'timm'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[3]
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
