"""Typed description of a model; saved as JSON beside the weights and checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ..checked import checked, from_json
from ..errors import MedCLIPSegError, quoted

MAX_LAYERS = 100
"""More than any tower has; a damaged file must not keep the program busy building."""
MAX_SIZE = 2**20
"""More than any width or vocabulary."""
MAX_SIDE = 4096
"""More than any input has pixels a side, or tokens."""
MAX_GRID = 128
"""More than any input has patches a side."""
LITE_CHANNELS = (16, 24, 40, 112)
"""Channels of EfficientNet-Lite0 at 1/2, 1/4, 1/8 and 1/16."""
Count = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Layers = Annotated[int, Field(ge=1, le=MAX_LAYERS)]
LayerNumber = Annotated[int, Field(ge=0, lt=MAX_LAYERS)]
Ratio = Annotated[float, Field(ge=1 / 16, le=64)]
Number = Annotated[float, Field(ge=-1000, le=1000)]
Mean = Annotated[float, Field(ge=-255, le=255)]
Deviation = Annotated[float, Field(ge=1e-4, le=255)]


def _require(condition: bool, name: str, value: object) -> None:
    if not condition:
        raise MedCLIPSegError(f"The setting '{name}' cannot be {quoted(value)}.")


@checked
class ImageTowerConfig:
    """Image tower.

    Args:
        kind: "vit" is open_clip's OpenAI-style vision transformer; "timm" is a timm vision transformer, behind a
            convolutional stem when ``stem_channels`` is given.
        image_size: side of the square model input in pixels.
        patch_size: pixels a token spans (the product of the strides when there is a stem).
        width, layers, heads, mlp_ratio: transformer sizes.
        activation: "gelu" or "quick_gelu" (x·sigmoid(1.702x)).
        stem_channels: channels at 1/2, 1/4, 1/8 and 1/16 of the input, multiples of 8; empty for a plain patch
            embedding.
        stem: "residual" is a small network of plain convolutions; "efficientnet_lite0" that network down to 1/16, whose
            channels ``stem_channels`` must then be.
        layer_scale: start value of the learned branch scales of a "timm" tower; None for none.
        drop_path: largest stochastic depth rate in training.
    """

    kind: Literal["vit", "timm"]
    image_size: Side
    patch_size: Side
    width: Count
    layers: Layers
    heads: Count
    mlp_ratio: Ratio = 4.0
    activation: Literal["gelu", "quick_gelu"] = "gelu"
    # timm rounds other numbers to a multiple of 8.
    stem_channels: Annotated[
        tuple[Annotated[int, Field(gt=0, le=MAX_SIZE, multiple_of=8)], ...], Field(max_length=4)
    ] = ()
    stem: Literal["residual", "efficientnet_lite0"] = "residual"
    layer_scale: Number | None = None
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def __post_init__(self) -> None:
        _require(self.image_size % self.patch_size == 0, "image.image_size", self.image_size)
        _require(self.image_size <= MAX_GRID * self.patch_size, "image.patch_size", self.patch_size)
        _require(self.width % self.heads == 0, "image.heads", self.heads)
        if self.stem_channels:
            _require(self.kind == "timm", "image.kind", self.kind)
            _require(len(self.stem_channels) == 4 and self.patch_size == 16, "image.stem_channels", self.stem_channels)
        lite = self.stem == "efficientnet_lite0"
        _require(not lite or self.stem_channels == LITE_CHANNELS, "image.stem_channels", self.stem_channels)
        if self.kind == "vit":
            _require(self.layer_scale is None and self.drop_path == 0, "image.layer_scale", self.layer_scale)


@checked
class TextTowerConfig:
    """Text tower.

    Args:
        kind: "bert" is a BERT inside open_clip's HFTextEncoder; "clip" is open_clip's text transformer.
        context_length: tokens a prompt is padded or cut to, special tokens included.
        vocab_size: entries of the vocabulary.
        width, layers, heads, mlp_ratio: transformer sizes.
        max_positions: rows of the position table ("bert"; 0 means ``context_length``).
        causal: the text transformer reads left to right and is pooled at the end-of-text token ("clip" only);
            otherwise it reads both ways, ignores padding and is pooled at its first token.
        activation: "gelu" or, for "clip", "quick_gelu".
    """

    kind: Literal["bert", "clip"]
    context_length: Annotated[int, Field(gt=2, le=MAX_SIDE)]
    vocab_size: Annotated[int, Field(gt=4, le=MAX_SIZE)]
    width: Count
    layers: Layers
    heads: Count
    mlp_ratio: Ratio = 4.0
    max_positions: Annotated[int, Field(ge=0, le=MAX_SIZE)] = 0
    causal: bool = False
    activation: Literal["gelu", "quick_gelu"] = "gelu"

    def __post_init__(self) -> None:
        _require(self.width % self.heads == 0, "text.heads", self.heads)
        _require(self.kind == "clip" or self.activation == "gelu", "text.activation", self.activation)
        positions = self.max_positions
        _require(positions == 0 or positions >= self.context_length, "text.max_positions", positions)
        _require(not self.causal or self.kind == "clip", "text.causal", self.causal)


@checked
class AdapterConfig:
    """Probabilistic vision-language adapters.

    Args:
        width: channels C inside the adapters.
        fusion_layers: layer numbers (from 0, the same in both towers) before which an adapter acts.
        beta: weight of the variance in the attention scores; 2.35 in the paper.
        gate_init: start value of the gates before the sigmoid.
        up_init_std: start spread of the up-projections; None keeps the published default of ``nn.Linear``.
        mask_padding: the image does not look at padding tokens, so prompts may be trimmed to their length; the
            published weights were trained with padding visible.
    """

    width: Count
    fusion_layers: Annotated[tuple[LayerNumber, ...], Field(min_length=1, max_length=MAX_LAYERS)]
    beta: Number = 2.35
    gate_init: Number = 0.0
    up_init_std: Annotated[float, Field(ge=0, le=1000)] | None = None
    mask_padding: bool = False

    def __post_init__(self) -> None:
        layers = self.fusion_layers
        _require(list(layers) == sorted(set(layers)), "adapter.fusion_layers", layers)


@checked
class HeadConfig:
    """Upscale and mask heads.

    Args:
        kind: "depthwise" is the published upscale block; "skip" joins the convolutional stem's features.
        channels: channels after each of the upscale blocks ("depthwise" keeps the joint width).
        stochastic: what the text makes of the pixels is a distribution too, sampled with those of the adapters; not in
            the paper.
    """

    kind: Literal["depthwise", "skip"] = "depthwise"
    channels: Annotated[tuple[Count, ...], Field(max_length=2)] = ()
    stochastic: bool = False

    def __post_init__(self) -> None:
        _require((self.kind == "skip") == (len(self.channels) == 2), "head.channels", self.channels)


@checked
class PreprocessingConfig:
    """How an 8-bit slice becomes the model input.

    Args:
        channel_order: order in which red, green and blue reach the network.
        fit: "stretch" ignores the aspect ratio, "letterbox" keeps it and pads with 0.
        antialias: low-pass before shrinking; the published weights were trained without.
        mean, std: per channel in ``channel_order`` after division by 255.
    """

    channel_order: Literal["bgr", "rgb"] = "bgr"
    fit: Literal["stretch", "letterbox"] = "stretch"
    antialias: bool = False
    mean: tuple[Mean, Mean, Mean] = (0.485, 0.456, 0.406)
    std: tuple[Deviation, Deviation, Deviation] = (0.229, 0.224, 0.225)


@checked
class ModelConfig:
    """A whole model.

    Args:
        flavor: name of the tower family, e.g. "unimedclip" or "mini".
        joint_width: channels of the space in which patches and text are compared.
        tokenizer: "wordpiece" (vocab.txt beside the weights) or "clip" (open_clip's byte-pair encoding).
    """

    flavor: Annotated[str, Field(max_length=64)]
    joint_width: Count
    image: ImageTowerConfig
    text: TextTowerConfig
    adapter: AdapterConfig
    head: HeadConfig = HeadConfig()
    preprocessing: PreprocessingConfig = PreprocessingConfig()
    tokenizer: Literal["wordpiece", "clip"] = "wordpiece"

    def __post_init__(self) -> None:
        _require(self.flavor.isprintable(), "flavor", self.flavor)
        _require(self.image.layers == self.text.layers, "text.layers", self.text.layers)
        layers = self.adapter.fusion_layers
        _require(layers[-1] < self.image.layers, "adapter.fusion_layers", layers)
        _require(
            self.head.kind == "depthwise" or bool(self.image.stem_channels),
            "image.stem_channels",
            "[] with a skip head",
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> ModelConfig:
        """Read what ``save_config`` wrote.

        Args:
            data: parsed JSON.
            source: file name used in error messages.

        Raises:
            MedCLIPSegError: a field is missing, unknown or out of range.
        """
        adapter = data.get("adapter")
        # Earlier versions could train ensembles of adapters, and wrote down that they did not.
        if isinstance(adapter, dict) and (members := adapter.pop("members", 1)) != 1:
            raise MedCLIPSegError(
                f"{source} has the field 'adapter.members' {quoted(members)}: an ensemble of adapters, which only "
                "earlier versions can run; train the model again without one."
            )
        try:
            return from_json(cls, data)
        except MedCLIPSegError as error:
            raise MedCLIPSegError(f"{source} does not describe a model: {error}") from None
