"""A checkpoint of true size, as the published trainer writes it, from the file to the mask.

The numbers in ``published_runs.npz`` are what the authors' program gave for these weights, image, prompt and noise: the
mask, and every fourth pixel of the mean probability.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from made_weights import HEAD_BIAS, PROMPT, SAMPLES, SEED, made_image, made_weight, made_words

from MedCLIPSegLab.models.commands import import_model, remove_model
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.model.checkpoint import expected_shapes
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

RUNS = Path(__file__).parents[2] / "Data" / "Published" / "published_runs.npz"
ROUNDING = 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("flavor", ["unimedclip", "biomedclip"])
def test_the_mask_is_that_of_the_published_program(flavor: str, tmp_path: Path) -> None:
    runs = np.load(RUNS)
    state = {name: made_weight(name, shape) for name, shape in expected_shapes(FLAVORS[flavor]).items()}
    state[HEAD_BIAS] = torch.from_numpy(runs[f"{flavor}.head_bias"])
    torch.save({"model": state, "epoch": 7, "best_dice": np.float32(0.5)}, tmp_path / "best_dice.pth")
    (tmp_path / "vocab.txt").write_text("\n".join(made_words()) + "\n")
    import_model(tmp_path / "best_dice.pth", "mine")

    volume = Volume(made_image()[None], PICTURE_IJK_TO_RAS, "squares", False)
    request = SegmentationRequest(volume, (PROMPT,), samples=SAMPLES, seed=SEED, device="cpu")
    result = to_the_end(run(load_model("mine"), request)).prompts[0]
    probability, mask = result.probability[0], result.mask[0].astype(bool)
    assert np.abs(probability[::4, ::4] - runs[f"{flavor}.probability"]).max() < ROUNDING
    wanted = np.unpackbits(runs[f"{flavor}.mask"]).reshape(mask.shape).astype(bool)
    assert 0.2 < wanted.mean() < 0.6
    assert not (mask != wanted)[np.abs(probability - 0.5) > ROUNDING].any()
    remove_model("mine")  # some gigabytes
