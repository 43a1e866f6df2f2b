"""Golden files: weights, inputs, noise and outputs of the published network, replayed with this one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.adapter import PVLAdapter
from MedCLIPSegLogic.model.attention import ProbabilisticCrossAttention
from MedCLIPSegLogic.model.config import AdapterConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import ReplayedNoise
from MedCLIPSegLogic.model.upscale import UpscaleBlock

PUBLISHED_BETA = 2.35
Tensors = dict[str, Tensor]


def read_golden(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Tensors and metadata of a golden file.

    Raises:
        MedCLIPSegError: missing, damaged or not in safetensors format.
    """
    if not path.is_file():
        raise MedCLIPSegError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise MedCLIPSegError(f"The file {path} is damaged or not in safetensors format ({error}).") from None


def select(tensors: Tensors, prefix: str) -> Tensors:
    """Tensors whose name begins with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def build_published(tensors: Tensors, metadata: dict[str, str], path: Path) -> MedCLIPSeg:
    """The network that the metadata describes, with the weights ``state.*``.

    Raises:
        MedCLIPSegError: the metadata is incomplete or does not fit the weights.
    """
    try:
        image, text, adapter = (json.loads(metadata[name]) for name in ("vision", "text", "adapter"))
        config = ModelConfig(
            flavor="unimedclip",
            joint_width=image["output_dim"],
            image=ImageTowerConfig(
                kind="vit",
                image_size=image["image_size"],
                patch_size=image["patch"],
                width=image["width"],
                layers=image["layers"],
                heads=image["heads"],
                mlp_ratio=image["mlp_ratio"],
                activation=image["activation"],
            ),
            text=TextTowerConfig(
                kind="bert",
                context_length=tensors["token_ids"].shape[1],
                vocab_size=text["vocab"],
                width=text["hidden"],
                layers=text["layers"],
                heads=text["heads"],
                mlp_ratio=text["intermediate"] / text["hidden"],
                max_positions=text["max_position"],
            ),
            adapter=AdapterConfig(
                width=adapter["dim"],
                fusion_layers=tuple(adapter["fusion_layers"]),
                beta=adapter["beta"],
                gate_init=adapter["gate_init"],
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MedCLIPSegError(
            f"{path} is no golden file of a whole model: its metadata lacks or garbles {error}."
        ) from None
    network = MedCLIPSeg(config)
    _load(network, select(tensors, "state."), path)
    return network.eval()


def replay_noise(tensors: Tensors, prefix: str) -> ReplayedNoise:
    """The noise stored under a prefix such as ``noise.sample0.``."""
    return ReplayedNoise(select(tensors, prefix))


def replay_modules(tensors: Tensors, path: Path) -> Tensors:
    """Outputs of the attention, the adapter and the upscale block stored in a file, computed anew.

    Raises:
        MedCLIPSegError: a tensor is missing or does not fit.
    """
    replays: dict[str, Callable[[Tensors], Tensors]] = {
        "attention.": lambda part: _replay_attention(part, path),
        "adapter.": lambda part: _replay_adapter(part, path),
        "upscale.": lambda part: _replay_upscale(part, path),
    }
    outputs: Tensors = {}
    for prefix, replay in replays.items():
        try:
            outputs |= {prefix + name: value for name, value in replay(select(tensors, prefix)).items()}
        except (KeyError, RuntimeError) as error:
            raise MedCLIPSegError(
                f"{path} is no golden file: the part '{prefix[:-1]}' is incomplete ({error})."
            ) from None
    return outputs


def _replay_attention(part: Tensors, path: Path) -> Tensors:
    module = ProbabilisticCrossAttention(part["query"].shape[-1], PUBLISHED_BETA, 0.0)
    _load(module, select(part, "state."), path)
    return {"output": module(part["query"], part["context"], lambda _: part["noise"])}


def _replay_adapter(part: Tensors, path: Path) -> Tensors:
    width = part["noise_image_from_text"].shape[-1]
    config = AdapterConfig(width=width, fusion_layers=(0,), beta=PUBLISHED_BETA)
    module = PVLAdapter(part["vision"].shape[-1], part["text"].shape[-1], config)
    _load(module, select(part, "state."), path)
    noise = ReplayedNoise({f"adapter0.{n}": part[f"noise_{n}"] for n in ("image_from_text", "text_from_image")})
    for_image, for_text = module(part["vision"], part["text"], None, 0, noise)
    return {"vision_output": for_image, "text_output": for_text}


def _replay_upscale(part: Tensors, path: Path) -> Tensors:
    module = UpscaleBlock(part["input"].shape[1])
    _load(module, select(part, "state."), path)
    return {"output": module(part["input"])}


def _load(module: nn.Module, state: dict[str, Any], path: Path) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise MedCLIPSegError(f"The weights in {path} do not fit the network: {reason}.") from None
