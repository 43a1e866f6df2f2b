"""A deeper model with a larger input that begins as the bundled one: new layers start as the identity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import torch
from timm.layers.pos_embed import resample_abs_pos_embed

from MedCLIPSegLab.training.growth import POSITIONS, TOKENS, first_vector
from MedCLIPSegLogic.model.catalog import VOCABULARY_FILE
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.folder import save_config
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer, extend_vocabulary

LAST_OF_A_BRANCH = ("attn.proj.", "mlp.fc2.", "attn.out_proj.", "mlp.c_proj.")


def deepen(
    source: Path, folder: Path, texts: Iterable[str], size: int, layers: int, words: int, drop_path: float
) -> MedCLIPSeg:
    """Write configuration and vocabulary of the grown model and return it with its first weights.

    Args:
        source: model folder to start from.
        folder: receives ``config.json`` and ``vocab.txt``.
        texts: prompts, whose most frequent words become entries.
        size: side of the input.
        layers: of both towers; the new ones come last.
        words: most entries of the vocabulary.
        drop_path: largest stochastic depth rate.
    """
    before = load_to_train(source)
    entries = extend_vocabulary(source / VOCABULARY_FILE, texts, words, folder / VOCABULARY_FILE)
    config = dataclasses.replace(
        before.config,
        image=dataclasses.replace(before.config.image, image_size=size, layers=layers, drop_path=drop_path),
        text=dataclasses.replace(before.config.text, vocab_size=entries, layers=layers),
    )
    save_config(config, folder)
    states, table = before.state_dict(), before.state_dict()[TOKENS]
    grid = size // config.image.patch_size
    states[POSITIONS] = resample_abs_pos_embed(states[POSITIONS], [grid, grid])
    tokenizer = PromptTokenizer(before.config, source)
    vocabulary = (folder / VOCABULARY_FILE).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    new = [first_vector(tokenizer, table, word) for word in vocabulary[len(table) :]]
    states[TOKENS] = torch.cat([table, torch.stack(new)]) if new else table
    network = MedCLIPSeg(config)
    fresh = network.state_dict()
    for name, value in fresh.items():
        if name not in states and any(part in name for part in LAST_OF_A_BRANCH):
            value.zero_()
    network.load_state_dict(fresh | states)
    return network
