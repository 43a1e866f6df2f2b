"""Which plane a model does best in, and weights of fused planes, found on validation volumes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from MedCLIPSegLab.knowing.know import know
from MedCLIPSegLab.knowing.plane_fitting import TENTHS, fit_planes
from MedCLIPSegLab.knowing.sets import find_sets
from MedCLIPSegLogic.inference.preprocess import place, prepare_slice
from MedCLIPSegLogic.model.folder import read_knowledge
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume

PROMPT = "the tumor in the brain MRI"


def answer(model: LoadedModel, volume: Volume, prompt: str) -> np.ndarray:
    """The mask (K, J, I) of a pass a sagittal slice with the noise at its mean, straight from the network."""
    axis, mapping = choose_axis(volume, "sagittal"), resolve(default_rule(volume), volume)
    mask = np.zeros(volume.shape, np.uint8)
    for index in range(axis.count):
        pixels = mapping.apply(axis.extract(volume.voxels, index))
        placement = place(pixels.shape, axis.pixel_spacing, model.config.image.image_size, model.config.preprocessing)
        image = prepare_slice(pixels, placement, model.config.preprocessing)[None]
        with torch.inference_mode():
            logits = model.network(image, model.tokenizer([prompt]), lambda a, d, values: torch.zeros_like(values))
            axis.insert(mask, index, (placement.restore(logits.logits.sigmoid())[0] > 0.5).numpy().astype(np.uint8))
    return mask


def brains(folder: Path, model: LoadedModel, spacing: float) -> Path:
    """Volumes whose known masks are what the model finds in sagittal slices; one row says that nothing is there."""
    (folder / "Prompts_Folder").mkdir(parents=True)
    for split, count in (("Train", 1), ("Val", 3)):
        rows = "".join(f"{n}.nii.gz,{PROMPT},{n}.nii.gz,1\n" for n in range(count))
        header = "Image,Description,Ground Truth,Label Values\n"
        sheet = f"{header}{rows}0.nii.gz,no {PROMPT[4:]},0.nii.gz,7\n"
        (folder / "Prompts_Folder" / f"{split}_text.csv").write_text(sheet)
        place_of_split = folder / f"{split}_Folder"
        for kind in ("img", "label"):
            (place_of_split / kind).mkdir(parents=True)
        for number in range(count):
            voxels = np.random.default_rng(number).normal(100, 30, (9, 13, 11)).astype(np.float32)
            matrix = np.diag([1.0, 1.1, spacing, 1.0])
            nibabel.save(nibabel.Nifti1Image(voxels, matrix), place_of_split / "img" / f"{number}.nii.gz")
            volume = Volume(voxels.T.copy(), matrix, "v")
            mask = answer(model, volume, PROMPT)
            assert 0 < mask.sum() < mask.size
            nibabel.save(nibabel.Nifti1Image(mask.T.copy(), matrix), place_of_split / "label" / f"{number}.nii.gz")
    return folder


def test_the_plane_that_the_truth_came_from_wins_and_weighs_most(a_model_folder: Path, tmp_path: Path) -> None:
    data = brains(tmp_path / "brains", load_model(a_model_folder), 1.5)
    fitted = fit_planes(find_sets([data], {}), load_model(a_model_folder), torch.device("cpu"))
    assert fitted is not None
    assert (fitted.plane, fitted.dice[2]) == ("sagittal", 1.0)
    assert max(fitted.dice[:2]) < 1
    assert sum(fitted.weights) == pytest.approx(1)
    assert fitted.weights[2] == max(fitted.weights)
    assert max(fitted.dice[:2]) < fitted.fused <= 1
    know(a_model_folder, [data], {"brains": "brain MRI"})
    knowledge = read_knowledge(a_model_folder)
    assert knowledge is not None
    kind = knowledge.kinds["brain MRI"]
    assert (kind.plane, kind.plane_weights) == (fitted.plane, fitted.weights)


def test_volumes_that_are_stripes_in_other_planes_keep_the_plane_of_training(
    a_model_folder: Path, tmp_path: Path
) -> None:
    data = brains(tmp_path / "brains", load_model(a_model_folder), 4.0)
    know(a_model_folder, [data], {"brains": "brain MRI"})
    knowledge = read_knowledge(a_model_folder)
    assert knowledge is not None
    assert (knowledge.kinds["brain MRI"].plane, knowledge.kinds["brain MRI"].plane_weights) == ("axial", None)


def test_every_plane_has_a_say_in_all_weights() -> None:
    assert len(set(TENTHS)) == len(TENTHS) == 36
    assert all(sum(tenths) == 10 and min(tenths) >= 1 for tenths in TENTHS)
