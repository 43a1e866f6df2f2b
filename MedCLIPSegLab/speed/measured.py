"""What is measured: single slices with a prompt, and a model; random weights are as fast as trained ones."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.config import AdapterConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.model.library import LoadedModel, find_model, load_model
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import CHARACTERS, SPECIAL_TOKENS, VOCABULARY_FILE, PromptTokenizer
from MedCLIPSegLogic.volumes.planes import Plane, choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import find_sheets
from ..results.demo import CASES, bundled_cases

UNIMEDCLIP = ModelConfig(
    flavor="unimedclip",
    joint_width=512,
    image=ImageTowerConfig("vit", 224, 16, width=768, layers=12, heads=12, activation="quick_gelu"),
    text=TextTowerConfig("bert", 256, 30522, width=768, layers=12, heads=12, max_positions=512),
    adapter=AdapterConfig(width=256, fusion_layers=tuple(range(1, 11))),
)
"""The published model: UniMedCLIP ViT-B/16 with BiomedBERT, adapters before layers 1 to 10."""


@dataclass(frozen=True, eq=False)
class Case:
    """One slice of an image and what to look for in it."""

    volume: Volume
    plane: Plane
    index: int
    prompt: str


def demo_cases() -> list[Case]:
    """The bundled demo cases; of the volume, its middle slice."""
    return [_middle_slice(read_volume(CASES / case.image), case.plane, case.prompt) for case in bundled_cases()]


def data_set_cases(folders: Sequence[Path], limit: int | None) -> list[Case]:
    """Test images of data sets in MedCLIPSeg's layout with their original prompts; of volumes, the middle slice.

    Args:
        folders: with ``Test_Folder/img`` and ``Prompts_Folder/Test_text_original.xlsx``.
        limit: images a data set, evenly from its sheet; None for all.

    Raises:
        MedCLIPSegError: a data set has no test images or original prompts.
    """
    cases = []
    for sheet in find_sheets(folders, ["original"]):
        rows = sheet.rows()
        count = min(limit or len(rows), len(rows))
        for row in (rows[number * len(rows) // count] for number in range(count)):
            volume = sheet.image(row)
            cases.append(_middle_slice(volume, "auto", row.description))
    return cases


def _middle_slice(volume: Volume, plane: Plane, prompt: str) -> Case:
    return Case(volume, plane, choose_axis(volume, plane).count // 2, prompt)


def measured_model(name: str, random_weights: bool, prompts: Iterable[str]) -> LoadedModel:
    """The model to measure.

    Args:
        name: bundled model's name or model folder; with random weights also "unimedclip", at full size.
        random_weights: only the sizes are the model's.
        prompts: what it will be asked; their words are in the vocabulary made up for "unimedclip".

    Raises:
        MedCLIPSegError: there is no such model.
    """
    if not random_weights:
        if name == UNIMEDCLIP.flavor:
            raise MedCLIPSegError("The weights of unimedclip are not bundled; add --random-weights to measure speed.")
        return load_model(name)
    with tempfile.TemporaryDirectory(prefix="medclipseg-vocabulary-") as temporary:
        folder = Path(temporary)
        if name == UNIMEDCLIP.flavor:
            config = UNIMEDCLIP
            _write_vocabulary(folder / VOCABULARY_FILE, prompts, config.text.vocab_size)
        else:
            folder = find_model(name)
            config = read_config(folder)
        tokenizer = PromptTokenizer(config, folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MedCLIPSeg(config).eval()
    return LoadedModel(f"{name} (random weights)", network, tokenizer, hashlib.sha256(b"random").hexdigest())


def _write_vocabulary(path: Path, prompts: Iterable[str], size: int) -> None:
    """Prompts become as many tokens as words, as they do with the published vocabulary."""
    words = sorted({word for prompt in prompts for word in prompt.lower().replace("-", " ").split() if len(word) > 1})
    entries = [*SPECIAL_TOKENS, *CHARACTERS, *(f"##{c}" for c in CHARACTERS if c.isalnum()), *words]
    entries += [f"[unused{number}]" for number in range(size - len(entries))]
    path.write_text("".join(entry + "\n" for entry in entries), encoding="utf-8")
