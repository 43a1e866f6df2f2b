"""Names the kind of an image by a model's own two CLIP towers, where nothing was recorded of what it knows."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..knowledge.sight import ImageSight
from ..model.flavors import FLAVORS
from ..model.library import LoadedModel
from ..model.manifest import zoo
from ..model.network import MedCLIPSeg
from ..model.text_tower import content_length
from .clip_towers import LOGIT_SCALE, ClipTowers

KINDS_FILE = Path(__file__).parent.parent / "Resources" / "Words" / "image_kinds.json"
CLEAR = 0.5
"""Probability from which on an image is said to look like a kind."""
FOREIGN_LIMIT = 0.98
"""Probability of all other kinds from which on an image that looks like one of them is foreign to a model of one kind.
Cautious, as it could not be measured with published weights."""
_vectors: WeakKeyDictionary[MedCLIPSeg, Tensor] = WeakKeyDictionary()


def name_kind(model: LoadedModel, pixels: NDArray[np.uint8]) -> ImageSight:
    """What a slice looks like, by the nearest of the sentences of ``Resources/Words/image_kinds.json``.

    Only the published models, whose towers are those of CLIP, can be asked so; whether the image is foreign is told of
    those on the list of models, which names the kind of image each was trained on.

    Args:
        model: with its network on the device of the run.
        pixels: (H, W) grey or (H, W, 3) color, as the model sees them.
    """
    if model.config.flavor not in FLAVORS:
        return ImageSight()
    towers = ClipTowers(model.network, model.tokenizer)
    if model.network not in _vectors:
        _vectors[model.network] = kind_vectors(towers)
    color = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    with torch.inference_mode():
        image = towers.image_vectors(towers.prepare(color).input)
        shares = (LOGIT_SCALE * image @ _vectors[model.network].to(image.device).T).softmax(dim=1)[0].cpu().numpy()
    names = list(kind_sentences())
    likely = int(shares.argmax())
    looks_like = names[likely] if shares[likely] >= CLEAR else ""
    entry = zoo().get(model.name)
    home = None if entry is None else next((name for name in names if entry.modality.startswith(name)), None)
    if home is None:
        return ImageSight(looks_like=looks_like)
    foreign = 1 - float(shares[names.index(home)])
    is_foreign = foreign >= FOREIGN_LIMIT and looks_like not in ("", home)
    return ImageSight(None if is_foreign else home, looks_like, foreign, is_foreign)


@cache
def kind_sentences() -> dict[str, list[str]]:
    """Sentences by the kind of image they describe."""
    kinds: dict[str, list[str]] = json.loads(KINDS_FILE.read_text(encoding="utf-8"))["kinds"]
    return kinds


def kind_vectors(towers: ClipTowers) -> Tensor:
    """Unit vectors (kinds, D), the mean of each kind's sentences."""
    groups = list(kind_sentences().values())
    token_ids = towers.tokenize([sentence for sentences in groups for sentence in sentences])
    with torch.inference_mode():
        tokens, state = towers.begin_text(token_ids[:, : content_length(token_ids)], -1)
        parts = towers.finish_text(tokens, 0, state).split([len(sentences) for sentences in groups])
        return torch.nn.functional.normalize(torch.stack([part.mean(dim=0) for part in parts]), dim=-1)
