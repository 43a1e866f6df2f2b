"""Segment Anything: boxes and points to masks, with one embedding of the image for all of them.

Kirillov A, et al. Segment Anything. ICCV 2023. The network is that of transformers.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..model.catalog import WEIGHTS_FILE, find_model
from ..model.folder import file_hash
from ..model.sam_checkpoint import MEDSAM_PREPROCESSING, SamPreprocessing, input_side, load_sam
from .objects import ObjectPrompt

if TYPE_CHECKING:
    from transformers import SamModel

OBJECTS_AT_ONCE = 8
"""Objects decoded together."""
PADDING_LABEL = -10
"""Label of a point that is none, as transformers has it."""


@dataclass(frozen=True, eq=False)
class ObjectMasks:
    """What a segmenter made of its prompts.

    Args:
        probability: (n, H, W) float32, 0…1; one map per object.
        quality: (n,) float32, the segmenter's own estimate of the overlap (IoU) of each mask with the object.
    """

    probability: NDArray[np.float32]
    quality: NDArray[np.float32]


class Segmenter(Protocol):
    """Prompts to masks: :class:`Sam`, or a stand-in with a name and a hash.

    ``boxes_only`` says that it was trained with boxes and makes nothing of points.
    """

    name: str
    model_hash: str
    boxes_only: bool

    def to(self, device: torch.device) -> None:
        """Move to a device."""

    def embed(self, image: NDArray[np.uint8]) -> Generator[None, None, Any]:
        """In small steps, what :meth:`segment` needs to know of an image (H, W, 3)."""

    def segment(self, embedding: Any, prompts: Sequence[ObjectPrompt]) -> ObjectMasks:
        """The masks of some objects, one per prompt."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """An image as SAM's decoder sees it.

    Args:
        features: (1, C, h, w).
        image_size: (H, W) of the slice.
        scaled_size: (H, W) of the part of the square input that the slice fills.
    """

    features: Tensor
    image_size: tuple[int, int]
    scaled_size: tuple[int, int]


class Sam:
    """A SAM, ready to run.

    Args:
        name: of the model.
        model: network in evaluation mode.
        preprocessing: how it wants its images.
        model_hash: SHA-256 of its weights.
    """

    def __init__(self, name: str, model: SamModel, preprocessing: SamPreprocessing, model_hash: str) -> None:
        self.name, self.model_hash = name, model_hash
        self._preprocessing = preprocessing
        self._model: Any = model  # whose parts transformers does not type
        self.boxes_only = preprocessing == MEDSAM_PREPROCESSING  # the one by whose inputs MedSAM is known
        self._side = input_side(model.config)

    def to(self, device: torch.device) -> None:
        """Move the network to a device."""
        self._model.to(device)

    def prepare(self, image: NDArray[np.uint8]) -> tuple[Tensor, tuple[int, int]]:
        """Input (1, 3, S, S) for an image (H, W, 3), and the size of the part that it fills."""
        rules = self._preprocessing
        size = self._scaled_size(image.shape[:2])
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        scaled = functional.interpolate(pixels, size=size, mode="bilinear", align_corners=False, antialias=True)
        mean, std = (torch.tensor(values)[:, None, None] for values in (rules.mean, rules.std))
        normalized = (scaled / 255 - mean) / std
        return functional.pad(normalized, (0, self._side - size[1], 0, self._side - size[0])), size

    @torch.inference_mode()
    def _advance(self, layer: torch.nn.Module, features: Tensor) -> Tensor:
        return layer(features)

    def embed(self, image: NDArray[np.uint8]) -> Generator[None, None, Embedding]:
        """Embed an image (H, W, 3), a block of the image encoder a step."""
        encoder = self._model.vision_encoder
        pixels, size = self.prepare(image)
        features = self._advance(encoder.patch_embed, pixels.to(encoder.patch_embed.projection.weight.device))
        if encoder.pos_embed is not None:
            with torch.inference_mode():
                features = features + encoder.pos_embed
        for layer in encoder.layers:
            features = self._advance(layer, features)
            yield
        return Embedding(self._advance(encoder.neck, features), (image.shape[0], image.shape[1]), size)

    @torch.inference_mode()
    def segment(self, embedding: Embedding, prompts: Sequence[ObjectPrompt]) -> ObjectMasks:
        """One mask per object (``multimask_output`` off, as published).

        Args:
            embedding: of the image.
            prompts: at least one; all with a box or all without, and all with points or all without.
        """
        probability, quality = [], []
        for first in range(0, len(prompts), OBJECTS_AT_ONCE):
            output = self._model(
                image_embeddings=embedding.features,
                multimask_output=False,
                **self._inputs(prompts[first : first + OBJECTS_AT_ONCE], embedding),
            )
            logits = output.pred_masks[0]  # (n, 1, h, w)
            full = functional.interpolate(logits, (self._side, self._side), mode="bilinear", align_corners=False)
            height, width = embedding.scaled_size
            own = functional.interpolate(
                full[..., :height, :width], embedding.image_size, mode="bilinear", align_corners=False
            )
            probability.append(own[:, 0].sigmoid().float().cpu().numpy())
            quality.append(output.iou_scores[0, :, 0].float().cpu().numpy())
        return ObjectMasks(np.concatenate(probability), np.concatenate(quality))

    def _inputs(self, prompts: Sequence[ObjectPrompt], embedding: Embedding) -> dict[str, Tensor]:
        device = embedding.features.device
        (height, width), (scaled_height, scaled_width) = embedding.image_size, embedding.scaled_size
        scale = torch.tensor([scaled_width / width, scaled_height / height])
        inputs = {}
        if prompts[0].box is not None:
            boxes = torch.tensor([prompt.box for prompt in prompts])
            inputs["input_boxes"] = (boxes * scale.repeat(2))[None].to(device)
        count = max(len(prompt.points) for prompt in prompts)
        if count:
            points = torch.full((len(prompts), count, 2), float(PADDING_LABEL))
            labels = torch.full((len(prompts), count), PADDING_LABEL)
            for row, prompt in enumerate(prompts):
                points[row, : len(prompt.points)] = torch.from_numpy(prompt.points) * scale
                labels[row, : len(prompt.points)] = 1
            inputs["input_points"], inputs["input_labels"] = points[None].to(device), labels[None].to(device)
        return inputs

    def _scaled_size(self, size: tuple[int, ...]) -> tuple[int, int]:
        if not self._preprocessing.keep_aspect:
            return self._side, self._side
        height, width = (max(1, int(side * self._side / max(size) + 0.5)) for side in size)
        return height, width


def load_segmenter(name: str | Path) -> Sam:
    """Load a SAM by its name or folder.

    Raises:
        MedCLIPSegError: there is none of this name or folder, it is no SAM, or its files are damaged.
    """
    folder = find_model(name)
    model, preprocessing = load_sam(folder)
    return Sam(folder.resolve().name, model, preprocessing, file_hash(folder / WEIGHTS_FILE))
