"""The architecture and vocabulary of the bundled model, and such a model grown to new words and another input size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import VOCABULARY_FILE
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.config import (
    AdapterConfig,
    HeadConfig,
    ImageTowerConfig,
    ModelConfig,
    PreprocessingConfig,
    TextTowerConfig,
)
from MedCLIPSegLogic.model.folder import is_adapter, read_config
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.store import read_text
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer, extend_vocabulary

from ..data.wordings import wordings
from .data import TrainingSet
from .settings import TrainingSettings

POSITIONS = "vision_model.trunk.pos_embed"
TOKENS = "text_model.token_embedding.weight"
DEVIATION = "mask_deviation."
VOCABULARY_SIZE = 1000


def small_model_config(vocabulary_size: int, image_size: int) -> ModelConfig:
    """A hybrid of convolutional stem and small transformers, to be trained from scratch.

    Args:
        vocabulary_size: entries of the WordPiece vocabulary.
        image_size: side of the model input in pixels.
    """
    return ModelConfig(
        flavor="mini",
        joint_width=96,
        image=ImageTowerConfig(
            kind="timm",
            image_size=image_size,
            patch_size=16,
            width=192,
            layers=6,
            heads=3,
            stem_channels=(24, 40, 80, 192),
            layer_scale=0.5,
            drop_path=0.05,
        ),
        text=TextTowerConfig(
            kind="clip", context_length=64, vocab_size=vocabulary_size, width=96, layers=6, heads=3, mlp_ratio=2.0
        ),
        adapter=AdapterConfig(width=64, fusion_layers=(1, 2, 3, 4), up_init_std=0.02, mask_padding=True),
        head=HeadConfig(kind="skip", channels=(96, 48)),
        preprocessing=PreprocessingConfig(channel_order="rgb", fit="stretch", antialias=True),
    )


def grow_config(source: Path, texts: Iterable[str], image_size: int, limit: int, folder: Path) -> ModelConfig:
    """Write the vocabulary of a model with the new words of some texts and return the configuration that goes with it.

    Args:
        source: folder of the model to start from.
        texts: prompts, whose most frequent words become entries.
        image_size: side of the model input from now on.
        limit: most entries of the vocabulary.
        folder: receives ``vocab.txt``.
    """
    config = read_config(source)
    size = extend_vocabulary(source / VOCABULARY_FILE, texts, limit, folder / VOCABULARY_FILE)
    return dataclasses.replace(
        config,
        text=dataclasses.replace(config.text, vocab_size=size),
        image=dataclasses.replace(config.image, image_size=image_size),
    )


def load_grown(source: Path, folder: Path) -> MedCLIPSeg:
    """The network of ``source`` with the configuration and vocabulary of ``folder``.

    A new word begins as the mean of the pieces it was read as before; positions are interpolated.
    """
    before, config = load_to_train(source), read_config(folder)
    states = before.state_dict()
    grid = config.image.image_size // config.image.patch_size
    states[POSITIONS] = resample_abs_pos_embed(states[POSITIONS], [grid, grid])
    entries = read_text(folder, VOCABULARY_FILE).removesuffix("\n").split("\n")
    tokenizer, table = PromptTokenizer(before.config, source), states[TOKENS]
    new = [first_vector(tokenizer, table, word) for word in entries[len(table) :]]
    states[TOKENS] = torch.cat([table, torch.stack(new)]) if new else table
    return grown_network(config, states)


def first_vector(tokenizer: PromptTokenizer, table: Tensor, word: str) -> Tensor:
    """What a new word begins as: the mean of its known pieces, or of the whole table (V, W) when it has none."""
    try:
        pieces = tokenizer([word])[0]
    except MedCLIPSegError:
        return table.mean(dim=0)
    return table[pieces[1:-1]].mean(dim=0)


def with_head(config: ModelConfig, stochastic: bool) -> ModelConfig:
    """The configuration with a mask head that draws from a distribution, if it is to; one that does keeps doing so."""
    return dataclasses.replace(
        config, head=dataclasses.replace(config.head, stochastic=config.head.stochastic or stochastic)
    )


def grown_network(config: ModelConfig, states: Mapping[str, Tensor]) -> MedCLIPSeg:
    """A network with the weights of another; what makes its head stochastic may be new.

    Args:
        config: of the new network.
        states: all weights of the other, or those of its towers alone, which leaves the rest as drawn.
    """
    network = MedCLIPSeg(config)
    towers_alone = not any(is_adapter(name) for name in states)
    new = {
        n: t for n, t in network.state_dict().items() if (is_adapter(n) if towers_alone else n.startswith(DEVIATION))
    }
    network.load_state_dict({**new, **states})
    return network


def vocabulary_texts(sets: Sequence[TrainingSet], settings: TrainingSettings) -> Iterator[str]:
    """Every prompt and, where the settings vary prompts, all wordings of training; never a word without meaning."""
    for training_set in sets:
        yield from training_set.prompts
    if settings.prompts != "varied" and settings.styles is None and settings.composition is None:
        return
    data = wordings()
    groups = [
        data.short,
        data.around,
        data.overdescriptive,
        data.absence,
        data.mosaic,
        data.contradictory,
        data.sizes,
        data.places,
        *data.synonyms.values(),
    ]
    groups += [*data.one_of_several.values(), *data.absent_things.values()]
    for group in groups:
        for wording in group:
            yield wording.format(target="", prompt="", place="", word="")
    yield from ("upper left", "lower right")
