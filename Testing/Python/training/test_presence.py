"""Whether the part of the body a prompt names is in a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from MedCLIPSegLab.training.data import load_set
from MedCLIPSegLab.training.sampler import BatchSampler
from MedCLIPSegLab.training.settings import Composition, LossWeights, TrainingSettings
from MedCLIPSegLab.training.text_targets import named_areas, presence_loss, presence_targets
from MedCLIPSegLab.training.train import train
from MedCLIPSegLogic.model.config import ModelConfig, PreprocessingConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import MeanNoise

CHEST, ABDOMEN = frozenset({"chest"}), frozenset({"abdomen"})


def test_prompts_name_areas_of_the_body() -> None:
    for text, areas in [
        ("one small polyp", {"abdomen"}),
        ("tumor in the breast ultrasound", {"chest"}),
        ("the melanoma", {"skin"}),
        ("Gallbladder", {"abdomen"}),
        ("a lesion", set()),
    ]:
        assert named_areas(text) == areas


def test_only_what_is_known_of_a_pair_is_a_target() -> None:
    masks = torch.zeros(4, 2, 2)
    masks[0] = masks[3] = 1
    texts = ["a polyp", "breast tumor", "a lesion", "polyp"]
    targets = presence_targets(texts, [ABDOMEN, CHEST, CHEST, CHEST | ABDOMEN], masks)
    assert targets.tolist() == [[1, 0, 0, -1], [0, -1, -1, -1], [-1, -1, -1, -1], [-1, 0, 0, 1]]
    assert presence_targets(texts, [frozenset()] * 4, masks).fill_diagonal_(-1).eq(-1).all()


def test_the_loss_weighs_present_and_absent_pairs_alike() -> None:
    vectors = functional.normalize(torch.randn(3, 8, dtype=torch.float64), dim=1)
    image, text = vectors.clone().requires_grad_(), vectors.roll(1, 0).clone().requires_grad_()
    targets = torch.tensor([[1.0, 0, 0], [-1, 1, 0], [-1, -1, -1]])
    logits = 10 * text @ image.T
    present, absent = logits[targets == 1], logits[targets == 0]
    wanted = (functional.softplus(-present).mean() + functional.softplus(absent).mean()) / 2
    loss = presence_loss(image, text, targets)
    assert loss.item() == pytest.approx(wanted.item())
    loss.backward()
    assert text.grad is not None
    assert text.grad[2].eq(0).all()
    assert presence_loss(image, text, torch.full((3, 3), -1.0)).item() == 0


def test_plain_vectors_are_those_of_a_network_whose_adapters_say_nothing(a_config: ModelConfig) -> None:
    torch.manual_seed(0)
    network = MedCLIPSeg(a_config).eval()
    for name, parameter in network.named_parameters():
        if "pvl_adapters" in name and "_up" in name:
            parameter.data.zero_()
    images, ids = torch.randn(2, 3, 32, 32), torch.tensor([[2, 6, 7, 3], [2, 8, 3, 0]])
    image, text = network.encode_images(images), network.encode_text(ids)
    output = network.decode(network.meet(image, text), MeanNoise())
    plain_image, plain_text = network.plain_vectors(image, text)
    assert torch.allclose(plain_text, functional.normalize(output.text, dim=-1), atol=1e-5)
    assert plain_image.shape == (2, a_config.joint_width)
    assert torch.allclose(plain_image.norm(dim=-1), torch.ones(2))


def test_mosaics_show_the_areas_of_all_their_pictures(a_data_set: Callable[..., Path]) -> None:
    prompts = {"polyps": "one small polyp", "breasts": "One small tumor in the breast ultrasound image."}
    sets = [load_set(a_data_set(name, prompt), "Train", 40) for name, prompt in prompts.items()]
    rgb = PreprocessingConfig("rgb")
    sampler = BatchSampler(sets, 32, rgb, TrainingSettings(composition=Composition(mosaics=1.0)))
    shown = {sampler.example(0, row)[3] for row in range(30)}
    assert shown == {CHEST, ABDOMEN, CHEST | ABDOMEN}
    plain = BatchSampler(sets, 32, rgb, TrainingSettings())
    targets = plain.batch(0, range(8))[3].presence
    assert targets.shape == (8, 8)
    assert set(targets.unique().tolist()) <= {-1.0, 0.0, 1.0}


@pytest.mark.slow
def test_training_teaches_presence(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    prompts = {"polyps": "one small polyp", "breasts": "One small tumor in the breast ultrasound image."}
    sets = [a_data_set(name, prompt) for name, prompt in prompts.items()]
    settings = TrainingSettings(
        steps=4, batch_size=4, stages=((1.0, 32),), validate_every=2, loss=LossWeights(presence=1.0), negative_share=0.5
    )
    folder = train(sets, tmp_path / "model", settings)
    header, *rows = (folder / "log.csv").read_text().split()
    column = header.split(",").index("loss_presence")
    assert all(0 < float(row.split(",")[column]) < 5 for row in rows)
