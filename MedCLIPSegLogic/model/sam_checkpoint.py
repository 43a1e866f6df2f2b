"""SAM on disk, laid out as transformers saves it: ``config.json`` beside ``model.safetensors``.

An optional ``preprocessor_config.json`` says how the image is prepared; without it as for Meta's SAM.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..errors import MedCLIPSegError, quoted
from ..files.replacing import write_json
from .catalog import CONFIG_FILE, WEIGHTS_FILE, is_sam_config
from .checkpoint import read_weights, weights_file
from .config import MAX_LAYERS
from .store import read_object

if TYPE_CHECKING:
    from transformers import SamConfig, SamModel

PREPROCESSOR_FILE = "preprocessor_config.json"
MAX_SIZE = 8192
"""More than any width, number of positions or image side of a SAM; a damaged file must not keep the program busy."""
COUNTS = ("num_hidden_layers", "num_multimask_outputs", "num_point_embeddings", "iou_head_depth")
"""Numbers of modules, of which there are at most ``MAX_LAYERS``."""
SMALLEST_DEVIATION = 1e-4
TIED = ("shared_image_embedding.positional_embedding", "prompt_encoder.shared_embedding.positional_embedding")
"""One weight under two names, of which files may hold one or both."""


@dataclass(frozen=True)
class SamPreprocessing:
    """How an 8-bit slice becomes SAM's input.

    Args:
        keep_aspect: scale the longer side to the input's and fill the rest with 0; otherwise stretch to the square.
        mean, std: of red, green and blue after division by 255.
    """

    keep_aspect: bool = True
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


MEDSAM_PREPROCESSING = SamPreprocessing(False, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""MedSAM was trained on squares of values from 0 to 1."""


def load_sam(folder: Path) -> tuple[SamModel, SamPreprocessing]:
    """Build the SAM of a folder and load its weights as float32, in evaluation mode.

    Names and shapes are compared before memory is taken; nothing in the folder is run.

    Raises:
        MedCLIPSegError: a file is missing, damaged or foreign, or the weights do not fit the configuration.
    """
    from transformers import SamModel

    try:
        data = read_object(folder, CONFIG_FILE)
    except FileNotFoundError:
        raise MedCLIPSegError(f"{folder} is not a SAM folder: it has no {CONFIG_FILE}.") from None
    if not is_sam_config(data):
        raise MedCLIPSegError(
            f"{folder} is not a SAM: the field 'model_type' of {CONFIG_FILE} is not 'sam'; medclipseg models list "
            "shows those that can be downloaded."
        )
    config = sam_config(data, str(folder / CONFIG_FILE))
    preprocessing = _read_preprocessing(folder)
    path = weights_file(folder, WEIGHTS_FILE)
    tensors = with_tied_weights(read_weights(path, sam_shapes(config), TIED))
    model = SamModel(config)
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return model.eval(), preprocessing


def sam_config(data: dict[str, Any], source: str) -> SamConfig:
    """A SAM's configuration from parsed JSON.

    Args:
        data: as in ``config.json``.
        source: for messages.

    Raises:
        MedCLIPSegError: a field is of the wrong kind or out of range.
    """
    from transformers import SamConfig, SamMaskDecoderConfig, SamPromptEncoderConfig, SamVisionConfig

    kinds = {
        "vision_config": SamVisionConfig,
        "prompt_encoder_config": SamPromptEncoderConfig,
        "mask_decoder_config": SamMaskDecoderConfig,
    }
    parts: dict[str, Any] = {
        name: _sizes(name, data.get(name) or {}, kind().to_dict(), source) for name, kind in kinds.items()
    }
    try:
        config = SamConfig(**parts)
        vision: Any = config.vision_config
        prompt_encoder: Any = config.prompt_encoder_config
        grid = vision.image_size // vision.patch_size
        if grid * vision.patch_size != vision.image_size or prompt_encoder.image_embedding_size != grid:
            raise ValueError("the sizes of image, patches and embedding do not fit each other")
        sam_shapes(config)
    except Exception as error:  # transformers' checks raise errors of many kinds
        raise MedCLIPSegError(f"{source} does not describe a SAM: {quoted(error).rstrip('.')}.") from None
    return config


def _sizes(part: str, fields: object, usual: dict[str, Any], source: str) -> dict[str, Any]:
    """What sizes a network, each value of the kind it has by default.

    Left out is what any configuration of transformers may hold beside it, such as the name of code to run.
    """
    from transformers import PretrainedConfig

    if not isinstance(fields, dict):
        raise MedCLIPSegError(f"{source} does not describe a SAM: '{part}' must hold an object.")
    own = usual.keys() - PretrainedConfig().to_dict().keys()
    sizes = {name: value for name, value in fields.items() if name in own and value is not None}
    for name, value in sizes.items():
        default = usual[name]
        if isinstance(default, list):
            fits = isinstance(value, list) and len(value) <= MAX_LAYERS and all(type(n) is int for n in value)
        elif isinstance(default, (bool, str)):
            fits = isinstance(value, type(default))
        else:
            limit = MAX_LAYERS if name in COUNTS else MAX_SIZE
            fits = type(value) in (int, type(default)) and 0 <= value <= limit
        if not fits:
            raise MedCLIPSegError(f"{source} does not describe a SAM: '{part}.{name}' cannot be {quoted(value)}.")
    return sizes


def input_side(config: SamConfig) -> int:
    """Side of the square input in pixels."""
    vision: Any = config.vision_config
    return int(vision.image_size)


def sam_shapes(config: SamConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight, without taking memory for it."""
    from transformers import SamModel

    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in SamModel(config).state_dict().items()}


def with_tied_weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights with the one that has two names under both."""
    for name, other in (TIED, TIED[::-1]):
        if name in tensors and other not in tensors:
            return tensors | {other: tensors[name]}
    return tensors


def _read_preprocessing(folder: Path) -> SamPreprocessing:
    try:
        data = read_object(folder, PREPROCESSOR_FILE)
    except FileNotFoundError:
        return SamPreprocessing()
    size = data.get("size")
    keep_aspect = not (isinstance(size, dict) and "height" in size)
    if data.get("do_normalize") is False:
        return SamPreprocessing(keep_aspect, MEDSAM_PREPROCESSING.mean, MEDSAM_PREPROCESSING.std)
    usual = SamPreprocessing()
    mean, std = (data.get(name, default) for name, default in (("image_mean", usual.mean), ("image_std", usual.std)))
    for name, values in (("image_mean", mean), ("image_std", std)):
        numbers = isinstance(values, (list, tuple)) and len(values) == 3
        if not numbers or not all(isinstance(v, (int, float)) and abs(v) <= 255 for v in values):
            raise MedCLIPSegError(f"{folder / PREPROCESSOR_FILE} is damaged: '{name}' must hold three numbers.")
    if min(std) < SMALLEST_DEVIATION:
        raise MedCLIPSegError(
            f"{folder / PREPROCESSOR_FILE} is damaged: 'image_std' must be at least {SMALLEST_DEVIATION}."
        )
    return SamPreprocessing(keep_aspect, tuple(mean), tuple(std))


def save_preprocessing(preprocessing: SamPreprocessing, folder: Path, side: int) -> None:
    """Write ``preprocessor_config.json`` for inputs of this side."""
    size = {"longest_edge": side} if preprocessing.keep_aspect else {"height": side, "width": side}
    data = {
        "image_processor_type": "SamImageProcessor",
        "size": size,
        "do_normalize": preprocessing.std != MEDSAM_PREPROCESSING.std,
        "image_mean": list(preprocessing.mean),
        "image_std": list(preprocessing.std),
    }
    write_json(folder / PREPROCESSOR_FILE, data)
