"""Models by name or folder, ready to run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import MedCLIPSegError
from .catalog import BUNDLED_MODELS, bundled_models
from .checkpoint import CONFIG_FILE, WEIGHTS_FILE, file_hash, load_checkpoint
from .config import ModelConfig
from .network import MedCLIPSeg
from .tokenizer import VOCABULARY_FILE, PromptTokenizer

DEFAULT_MODEL = "mini"


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with its tokenizer.

    Args:
        name: the bundled model's name, or the folder's.
        network: float32, in evaluation mode, on the CPU until a run moves it.
        tokenizer: prompts to token ids.
        model_hash: SHA-256 of weights, configuration and vocabulary together.
    """

    name: str
    network: MedCLIPSeg
    tokenizer: PromptTokenizer
    model_hash: str

    @property
    def config(self) -> ModelConfig:
        """The network's configuration."""
        return self.network.config


def find_model(name: str | Path) -> Path:
    """Folder of a model.

    Args:
        name: a bundled model's name, or a folder with ``model.safetensors`` and ``config.json``.

    Raises:
        MedCLIPSegError: neither exists.
    """
    if str(name) in bundled_models():
        return BUNDLED_MODELS / str(name)
    folder = Path(name)
    if not folder.is_dir():
        raise MedCLIPSegError(
            f"There is no model '{name}'; give a model folder or one of these names: {', '.join(bundled_models())}."
        )
    return folder


def _model_hash(folder: Path) -> str:
    files = [folder / name for name in (WEIGHTS_FILE, CONFIG_FILE, VOCABULARY_FILE)]
    parts = [f"{path.name} {file_hash(path)}" for path in files if path.is_file()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load_model(name: str | Path = DEFAULT_MODEL) -> LoadedModel:
    """Load a model from its name or folder.

    Raises:
        MedCLIPSegError: it does not exist, or its files are damaged or do not fit each other.
    """
    folder = find_model(name)
    network = load_checkpoint(folder)
    tokenizer = PromptTokenizer(network.config, folder)
    return LoadedModel(folder.resolve().name, network, tokenizer, _model_hash(folder))
