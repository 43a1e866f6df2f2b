"""A small model that is trained further on new words and at another size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import torch

from MedCLIPSegLab.data.wordings import STYLES_FILE
from MedCLIPSegLab.training.data import load_set
from MedCLIPSegLab.training.growth import TOKENS, grow_config, load_grown, vocabulary_texts
from MedCLIPSegLab.training.request import can_grow
from MedCLIPSegLab.training.settings import PromptStyles, TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.model.folder import read_config, save_config
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import MeanNoise
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer

SIZE = 32


def grown(source: Path, folder: Path, texts: list[str], size: int = SIZE, limit: int = 1000) -> MedCLIPSeg:
    folder.mkdir()
    config = grow_config(source, texts, size, limit, folder)
    save_config(config, folder)
    return load_grown(source, folder)


def test_known_prompts_keep_their_ids_and_logits(a_model_folder: Path, tmp_path: Path) -> None:
    network = grown(a_model_folder, tmp_path / "grown", ["kidney cyst"]).eval()
    before = load_to_train(a_model_folder)
    prompts = ["a polyp", "tumor in the brain"]
    ids = PromptTokenizer(network.config, tmp_path / "grown")(prompts)
    assert torch.equal(ids, PromptTokenizer(before.config, a_model_folder)(prompts))
    images = torch.rand(2, 3, SIZE, SIZE)
    assert torch.equal(network(images, ids, MeanNoise()).logits, before(images, ids, MeanNoise()).logits)


def test_new_words_begin_as_the_mean_of_their_pieces(a_model_folder: Path, tmp_path: Path) -> None:
    network = grown(a_model_folder, tmp_path / "grown", ["kidney"])
    before = load_to_train(a_model_folder)
    old, new = before.state_dict()[TOKENS], network.state_dict()[TOKENS]
    assert len(new) == len(old) + 1
    pieces = PromptTokenizer(before.config, a_model_folder)(["kidney"])[0, 1:-1]
    assert torch.equal(new[-1], old[pieces].mean(dim=0))
    ids = PromptTokenizer(network.config, tmp_path / "grown")(["kidney"])[0].tolist()
    assert ids[1:-1] == [len(old)]


def test_the_vocabulary_has_a_limit(a_model_folder: Path, tmp_path: Path) -> None:
    count = read_config(a_model_folder).text.vocab_size
    network = grown(a_model_folder, tmp_path / "grown", ["kidney cyst", "kidney"], limit=count + 1)
    assert network.config.text.vocab_size == count + 1
    assert (tmp_path / "grown" / "vocab.txt").read_text().endswith("\nkidney\n")


def test_another_input_size_interpolates_the_positions(a_model_folder: Path, tmp_path: Path) -> None:
    network = grown(a_model_folder, tmp_path / "grown", [], size=2 * SIZE).eval()
    ids = PromptTokenizer(network.config, tmp_path / "grown")(["a polyp"])
    assert network(torch.rand(1, 3, 2 * SIZE, 2 * SIZE), ids, MeanNoise()).logits.shape == (1, 2 * SIZE, 2 * SIZE)


def test_the_vocabulary_has_all_words_of_training_and_none_without_meaning(a_data_set: Callable[..., Path]) -> None:
    sets = [load_set(a_data_set(), "Train", 48)]
    settings = TrainingSettings(styles=PromptStyles())
    words = {word for text in vocabulary_texts(sets, settings) for word in re.findall("[a-z]+", text.lower())}
    assert {"polyp", "polypoid", "delineate", "visible", "unremarkable", "pneumothorax", "upper"} <= words
    trained = json.dumps(json.loads(STYLES_FILE.read_text(encoding="utf-8"))["training"])
    assert words <= set(re.findall("[a-z]+", " ".join([trained, *sets[0].prompts]).lower()))


def test_published_models_do_not_grow() -> None:
    for flavor in sorted(FLAVORS):
        assert not can_grow(FLAVORS[flavor])


def test_training_further_learns_new_words_at_another_size(
    a_data_set: Callable[..., Path], a_model_folder: Path, tmp_path: Path
) -> None:
    settings = TrainingSettings(steps=2, batch_size=2, stages=((1.0, 48),), validate_every=2)
    data = a_data_set(prompt="one small haustra at the left in the colonoscopy")
    folder = train([data], tmp_path / "tuned", settings, start_from=a_model_folder)
    config = read_config(folder)
    assert config.image.image_size == 48
    words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    assert "haustra" in words[read_config(a_model_folder).text.vocab_size :]
    assert load_to_train(folder).config == config
