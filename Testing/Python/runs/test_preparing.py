"""Choices that cannot be meant are refused in one sentence, before anything is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_sam import save_sam

from MedCLIPSegLogic.errors import MedCLIPSegError, MissingModelError
from MedCLIPSegLogic.inference.plane_choice import plan_fusion
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.model import library
from MedCLIPSegLogic.model.folder import save_knowledge
from MedCLIPSegLogic.model.store import models_folder
from MedCLIPSegLogic.runs.choices import ChainChoices, RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import ChainRun, TrainedRun, prepare
from MedCLIPSegLogic.volumes.volume import Volume

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"samples": 0}, "The number of samples is 0; it must be between 1 and 1000."),
    ({"samples": "x"}, "The number of samples is x; it must be a whole number."),
    ({"threshold": 1.0}, "The threshold is 1.0; it must be between 0 and 1."),
    ({"threshold": (0.5, 0.5)}, "There are 2 thresholds for 1 prompts"),
    ({"plane": "oblique"}, "The plane is oblique; it must be 'auto', 'axial', 'coronal' or 'sagittal'."),
    ({"slices": "2:9"}, 'The slice range "2:9" goes beyond the 5 slices'),
    ({"slices": (2, 9)}, "The slice range 2:9 does not fit"),
    ({"window": (40, 40), "preset": "lung"}, "not both"),
    ({"preset": "pizza"}, 'There is no CT window "pizza"'),
    ({"smaples": 3}, "The setting 'smaples' is unknown."),
    ({"model": "maxi"}, "There is no model 'maxi'"),
    ({"confidence": 0.0}, "The setting 'confidence' belongs to medclip-sam and medclip-sam-v2; leave it out with a"),
    ({"model": "mini", "sam": "none"}, "leave it out with mini."),
    ({"model": "medclip-sam", "samples": 30}, "'samples' belongs to trained models; leave it out with medclip-sam."),
    ({"model": "medclip-sam", "adaptive": True}, "'adaptive' belongs to trained models"),
    ({"model": "medclip-sam", "three_planes": True}, "'three_planes' belongs to trained models"),
    ({"three_planes": True, "slices": "1:3"}, "Three planes are fused over a whole volume only; leave the choice of"),
    ({"model": "medclip-sam", "confidence": 1.0}, "The least confidence is 1.0; it must be at least 0 and below 1."),
    ({"model": "medclip-sam", "objects": 0}, "The number of objects is 0; it must be between 1 and 1000."),
    ({"model": "medclip-sam", "padding": 2}, "The padding is 2; it must be between 0 and 1."),
    ({"model": "medclip-sam", "towers": "biomedclip", "sam": "none"}, "models download biomedclip"),
    ({"model": "medclip-sam", "sam": "medsam"}, "models download medsam"),
    ({"model": "medclip-sam", "study": "knee MRI"}, "no study 'knee MRI'; choose one of breast ultrasound"),
    ({"model": "medclip-sam", "design": "P2"}, "P2 is that of a kind of study; choose a study too: breast"),
    ({"model": "medclip-sam", "design": "P3", "study": "brain MRI"}, "need a kind; there is: glioma"),
    ({"model": "medclip-sam", "prompt_sets": "a.json"}, "need a choice of their sentences; give a design, P0 to P5"),
]


def kind(plane: Any, *things: str, weights: Any = None) -> KnownKind:
    known = {thing: KnownThing(images=9, dice=0.8) for thing in things}
    return KnownKind(images=9, things=known, plane=plane, plane_weights=weights)


KNOWLEDGE = Knowledge(
    kinds={
        "breast ultrasound": kind(None, "tumor"),
        "brain MRI": kind("sagittal", "tumor", "hippocampus", weights=(0.2, 0.2, 0.6)),
        "hippocampus MRI": kind("sagittal", "hippocampus", weights=(0.1, 0.5, 0.4)),
        "liver CT": kind("coronal", "liver"),
    }
)
CUBE, SLABS = (1.0, 1.0, 1.2), (1.0, 1.0, 2.5)
THIRDS = (1 / 3, 1 / 3, 1 / 3)


@pytest.mark.parametrize(
    ("prompts", "plane", "spacing", "wanted", "chosen_by", "weights"),
    [
        ("tumor", "auto", CUBE, "sagittal", "knowledge", (0.2, 0.2, 0.6)),
        ("no tumor", "auto", CUBE, "sagittal", "knowledge", (0.2, 0.2, 0.6)),
        ("cancer", "auto", CUBE, "sagittal", "knowledge", (0.2, 0.2, 0.6)),
        (("hippocampus", "asdfgh"), "auto", CUBE, "sagittal", "knowledge", (0.15, 0.35, 0.5)),
        ("liver", "auto", CUBE, "coronal", "knowledge", THIRDS),
        (("liver", "tumor"), "auto", CUBE, "axial", "acquisition", (0.2, 0.2, 0.6)),
        ("asdfgh", "auto", CUBE, "axial", "acquisition", THIRDS),
        ("tumor", "auto", SLABS, "axial", "acquisition", (1.0,)),
        ("tumor", "coronal", CUBE, "coronal", "person", (0.2, 0.2, 0.6)),
    ],
)
def test_the_automatic_plane_is_that_the_model_does_best_in_where_the_volume_allows_it(
    a_model_folder: Path, prompts: Any, plane: str, spacing: Any, wanted: str, chosen_by: str, weights: Any
) -> None:
    save_knowledge(KNOWLEDGE, a_model_folder)
    volume = Volume(np.zeros((4, 6, 5), np.float32), np.diag([*spacing, 1.0]), "v")
    prepared = prepare(volume, prompts, RunChoices(model=a_model_folder, plane=plane, three_planes=True))
    assert isinstance(prepared, TrainedRun)
    request = prepared.request
    fusion = plan_fusion(volume, request.plane, request.plane_weights)
    assert (fusion.axes[0].name, request.plane_chosen_by) == (wanted, chosen_by)
    by_name = dict(zip((axis.name for axis in fusion.axes), fusion.weights, strict=True))
    assert [by_name[name] for name in fusion.planes] == pytest.approx(weights)
    counts = {"axial": 4, "coronal": 6, "sagittal": 5}
    assert fusion.slices_of_one == counts[wanted]
    if spacing == CUBE:
        assert (fusion.slices, fusion.times_the_work) == (15, 15 / counts[wanted])
        times = {"axial": "3.8", "coronal": "2.5", "sagittal": "3"}[wanted]
        start = f"Three planes: 15 slices instead of {counts[wanted]}"
        assert fusion.cost == f"{start}, at most {times} times the work."
    else:
        assert fusion.cost == fusion.note != ""
    zero_shot = prepare(volume, "tumor", RunChoices(model="medclip-sam", sam="none")).request
    assert (zero_shot.plane, zero_shot.plane_chosen_by) == ("auto", "acquisition")


@pytest.mark.parametrize("shape", [(1, 6, 5), (4, 6, 5)])
def test_single_slices_and_pictures_stay_as_they_are(a_model_folder: Path, shape: tuple[int, int, int]) -> None:
    save_knowledge(KNOWLEDGE, a_model_folder)
    image = Volume(np.zeros(shape, np.float32), np.eye(4), "image", spacing_known=shape[0] == 1)
    asked = {"model": a_model_folder}
    request = prepare(image, "tumor", RunChoices(**asked)).request
    assert (request.plane, request.plane_chosen_by) == ("auto", "acquisition")
    with pytest.raises(MedCLIPSegError, match="image is a picture or a single slice and has no three planes to fuse"):
        prepare(image, "tumor", RunChoices(**asked, three_planes=True))


def test_what_cannot_be_meant_is_refused(a_volume: Volume) -> None:
    for choices, words in REFUSED:
        with pytest.raises(MedCLIPSegError) as refusal:
            prepare(a_volume, "tumor", RunChoices(**choices))
        assert words in str(refusal.value)
    for prompts, words in (((), "prompt is empty"), (" ", "prompt is empty"), (("a", "a"), "given twice")):
        with pytest.raises(MedCLIPSegError, match=words):
            prepare(a_volume, prompts, RunChoices())
    with pytest.raises(MedCLIPSegError, match="speaks of one thing; give a single prompt"):
        prepare(a_volume, ("a", "b"), RunChoices(model="medclip-sam", study="brain MRI", design="P2"))
    with pytest.raises(MedCLIPSegError, match="'samples' is unknown"):
        ChainChoices(samples=3)  # type: ignore[call-arg]


def test_what_is_as_by_default_goes_with_every_model() -> None:
    assert RunChoices(model="medclip-sam", smoothing=0.0, noise="slice", islands="all").method == "medclip-sam"
    for name, value in (("smoothing", 1.0), ("islands", "largest")):
        with pytest.raises(MedCLIPSegError, match=f"'{name}' belongs to trained models"):
            RunChoices(model="medclip-sam", **{name: value})


def test_without_a_sam_both_ways_out_are_said_and_neither_is_taken(a_volume: Volume) -> None:
    def sam_of(**choices: Any) -> object:
        prepared = prepare(a_volume, "tumor", RunChoices(**({"model": "medclip-sam"} | choices)))
        assert isinstance(prepared, ChainRun)
        return prepared.model.sam

    with pytest.raises(MissingModelError, match=r"models download sam-vit-base.*or choose none as SAM for the coarse"):
        sam_of()
    assert sam_of(sam="none") is None
    save_sam(models_folder() / "my-sam")
    assert sam_of() == "my-sam"
    save_sam(models_folder() / "sam-vit-base")
    assert (sam_of(), sam_of(model="medclip-sam-v2"), sam_of(sam="none")) == ("sam-vit-base", "my-sam", None)
    assert sam_of(sam=str(models_folder() / "my-sam")) == str(models_folder() / "my-sam")


def test_choices_are_checked_without_torch(a_model_folder: Path) -> None:
    program = (
        "import sys, numpy\n"
        "from MedCLIPSegLogic.runs.choices import RunChoices\n"
        "from MedCLIPSegLogic.runs.models import Models\n"
        "from MedCLIPSegLogic.runs.preparing import prepare\n"
        "from MedCLIPSegLogic.volumes.volume import Volume\n"
        "volume = Volume(numpy.zeros((5, 4, 3), numpy.float32), numpy.eye(4), 'v')\n"
        "for choices in ({'model': sys.argv[1]}, {'model': 'medclip-sam', 'sam': 'none'}):\n"
        "    Models().events(prepare(volume, 'tumor', RunChoices(**choices)))\n"
        "print({'torch', 'transformers', 'slicer'} & set(sys.modules))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(a_model_folder)], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "set()"


def test_models_stay_until_another_kind_of_run_comes(
    a_model_folder: Path, a_picture: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    load = library.load_model
    monkeypatch.setattr(library, "load_model", lambda name: loaded.append(name) or load(name))
    models = Models()

    def run(**choices: Any) -> None:
        steps = models.events(prepare(a_picture, "tumor", RunChoices(**choices)))
        assert next(steps).fraction > 0  # type: ignore[union-attr]
        steps.close()

    trained = {"model": a_model_folder, "samples": 1}
    assert isinstance(prepare(a_picture, "tumor", RunChoices(**trained)), TrainedRun)
    run(**trained)
    run(**trained, seed=1)
    assert loaded == [a_model_folder]
    run(model="medclip-sam-v2", sam="none")
    run(**trained)
    models.forget()
    run(**trained)
    assert loaded == [a_model_folder] * 3
