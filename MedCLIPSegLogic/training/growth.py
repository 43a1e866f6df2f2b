"""A small model to train further, grown to new words and another input size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor

from ..errors import MedCLIPSegError
from ..model.catalog import VOCABULARY_FILE
from ..model.checkpoint import is_adapter, load_to_train, read_config
from ..model.config import ModelConfig
from ..model.network import MedCLIPSeg
from ..model.tokenizer import PromptTokenizer, extend_vocabulary

POSITIONS = "vision_model.trunk.pos_embed"
TOKENS = "text_model.token_embedding.weight"
ADAPTERS = "pvl_adapters."
DEVIATION = "mask_deviation."
MEMBER_SPREAD = 0.1
"""Standard deviation of what a copied member's weights get added, as a share of that of the weights."""


def can_grow(config: ModelConfig) -> bool:
    """True for models of the bundled architecture: their words and positions are their own."""
    return config.tokenizer == "wordpiece" and config.text.kind == "clip" and config.image.kind == "timm"


def grow_config(source: Path, texts: Iterable[str], image_size: int, limit: int, folder: Path) -> ModelConfig:
    """Write the vocabulary of a model with the new words of some texts and return the configuration that goes with it.

    Args:
        source: folder of the model to start from.
        texts: prompts; words that occur twice become entries.
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
    entries = (folder / VOCABULARY_FILE).read_text(encoding="utf-8").removesuffix("\n").split("\n")
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


def with_samplers(config: ModelConfig, stochastic_head: bool, members: int) -> ModelConfig:
    """The configuration with at least these sources of differing samples.

    Args:
        config: of the model as it is.
        stochastic_head: let its mask head draw from a distribution.
        members: sets of adapters.
    """
    head = dataclasses.replace(config.head, stochastic=config.head.stochastic or stochastic_head)
    adapter = dataclasses.replace(config.adapter, members=max(config.adapter.members, members))
    return dataclasses.replace(config, head=head, adapter=adapter)


def grown_network(config: ModelConfig, states: Mapping[str, Tensor]) -> MedCLIPSeg:
    """A network with the weights of another; what makes its head stochastic and further sets of adapters may be new.

    Args:
        config: of the new network.
        states: all weights of the other, or those of its towers alone, which leaves the rest as drawn.
    """
    network = MedCLIPSeg(config)
    fresh = network.state_dict()
    if not any(is_adapter(name) for name in states):
        new = {name: tensor for name, tensor in fresh.items() if is_adapter(name)}
    else:
        new = {name: tensor for name, tensor in fresh.items() if name.startswith(DEVIATION)}
        new |= _further_members(fresh, states)
    network.load_state_dict({**new, **states})
    return network


def _further_members(wanted: Iterable[str], states: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Sets of adapters that are not there yet: those that are, in turn, with a little noise that lets them part.

    The noise comes from torch's global generator.
    """
    known = len({_number(name) for name in states if name.startswith(ADAPTERS)})
    new = {}
    for name in wanted:
        if name.startswith(ADAPTERS) and name not in states:
            number = _number(name)
            tensor = states[name.replace(f"{ADAPTERS}{number}.", f"{ADAPTERS}{number % known}.", 1)]
            new[name] = tensor + MEMBER_SPREAD * tensor.std(correction=0) * torch.randn_like(tensor)
    return new


def _number(name: str) -> int:
    return int(name.removeprefix(ADAPTERS).split(".", 1)[0])
