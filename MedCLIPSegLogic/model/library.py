"""Models by name or folder, ready to run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..knowledge.known import KNOWLEDGE_FILE, Knowledge
from .catalog import (
    ADAPTER_FILE,
    BACKBONE_FILE,
    BYTE_PAIRS_FILE,
    CONFIG_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    default_model,
    find_model,
)
from .checkpoint import load_checkpoint
from .config import ModelConfig
from .folder import file_hash, read_knowledge
from .network import MedCLIPSeg
from .tokenizer import PromptTokenizer


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with its tokenizer.

    Args:
        name: the bundled or installed model's name, or the folder's.
        network: float32, in evaluation mode, on the CPU until a run moves it.
        tokenizer: prompts to token ids.
        model_hash: SHA-256 of weights, configuration and vocabulary together; a shared backbone counts by its name,
            which is its SHA-256.
        knowledge: what it knows; None when nobody recorded that.
        knowledge_hash: SHA-256 of that record; None without one.
    """

    name: str
    network: MedCLIPSeg
    tokenizer: PromptTokenizer
    model_hash: str
    knowledge: Knowledge | None = None
    knowledge_hash: str | None = None

    @property
    def config(self) -> ModelConfig:
        """The network's configuration."""
        return self.network.config


def model_hash(folder: Path) -> str:
    """SHA-256 of a model folder's weights, configuration and vocabulary together."""
    names = (WEIGHTS_FILE, ADAPTER_FILE, BACKBONE_FILE, CONFIG_FILE, VOCABULARY_FILE, BYTE_PAIRS_FILE)
    parts = [f"{name} {file_hash(folder / name)}" for name in names if (folder / name).is_file()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load_model(name: str | Path | None = None) -> LoadedModel:
    """Load a model from its name or folder; None for the default, see `catalog.default_model`.

    Raises:
        MedCLIPSegError: it does not exist, or its files are damaged or do not fit each other.
    """
    folder = find_model(name if name is not None else default_model())
    network = load_checkpoint(folder)
    tokenizer = PromptTokenizer(network.config, folder)
    knowledge = read_knowledge(folder)
    knowledge_hash = file_hash(folder / KNOWLEDGE_FILE) if knowledge is not None else None
    return LoadedModel(folder.resolve().name, network, tokenizer, model_hash(folder), knowledge, knowledge_hash)
