"""Golden files: weights, inputs, noise and outputs of the published network, replayed with this one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from MedCLIPSegLab.training.objective import PassOutput, batch_loss
from MedCLIPSegLab.training.settings import LossWeights, TrainingSettings
from MedCLIPSegLogic.inference.uncertainty import RunningSums, binary_entropy
from MedCLIPSegLogic.model.adapter import ProbabilisticCrossAttention, PVLAdapter
from MedCLIPSegLogic.model.config import AdapterConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import Direction
from MedCLIPSegLogic.model.upscale import UpscaleBlock

PUBLISHED_BETA = 2.35
Tensors = dict[str, Tensor]


class ReplayedNoise:
    """Stored noise, for golden files.

    Args:
        tensors: ``{"adapter<a>.<direction>": (B, Tk, C)}``.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        return self._tensors[f"adapter{adapter}.{direction}"].to(values)


def read_golden(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors, and the sizes of a whole model."""
    with safe_open(path, framework="pt") as file:
        metadata = {name: json.loads(text) for name, text in (file.metadata() or {}).items() if text.startswith("{")}
        return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118


def select(tensors: Tensors, prefix: str) -> Tensors:
    """Tensors whose name begins with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def build_published(tensors: Tensors, metadata: dict[str, Any]) -> MedCLIPSeg:
    """The network of these sizes with the weights ``state.*``."""
    image, text, adapter = metadata["vision"], metadata["text"], metadata["adapter"]
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
    network = MedCLIPSeg(config)
    network.load_state_dict(select(tensors, "state."))
    return network.eval()


def replay_noise(tensors: Tensors, prefix: str) -> ReplayedNoise:
    """The noise stored under a prefix such as ``noise.sample0.``."""
    return ReplayedNoise(select(tensors, prefix))


def errors(tensors: Tensors, outputs: Tensors) -> dict[str, float]:
    """Largest absolute error of each output; infinite where either side is not a number."""
    found = {name: float((value - tensors[name]).abs().max()) for name, value in outputs.items()}
    return {name: error if math.isfinite(error) else math.inf for name, error in found.items()}


def replay_modules(tensors: Tensors) -> Tensors:
    """Outputs of the attention, the adapter and the upscale block stored in a file, computed anew."""
    with torch.inference_mode():
        part = select(tensors, "attention.")
        attention = ProbabilisticCrossAttention(part["query"].shape[-1], PUBLISHED_BETA, 0.0)
        attention.load_state_dict(select(part, "state."))
        outputs = {"attention.output": attention(part["query"], part["context"], lambda _: part["noise"])}

        part = select(tensors, "adapter.")
        config = AdapterConfig(part["noise_image_from_text"].shape[-1], fusion_layers=(0,), beta=PUBLISHED_BETA)
        adapter = PVLAdapter(part["vision"].shape[-1], part["text"].shape[-1], config)
        adapter.load_state_dict(select(part, "state."))
        noise = ReplayedNoise({f"adapter0.{n}": part[f"noise_{n}"] for n in ("image_from_text", "text_from_image")})
        for_image, for_text = adapter(part["vision"], part["text"], None, 0, noise)
        outputs |= {"adapter.vision_output": for_image, "adapter.text_output": for_text}

        part = select(tensors, "upscale.")
        upscale = UpscaleBlock(part["input"].shape[1])
        upscale.load_state_dict(select(part, "state."))
        return outputs | {"upscale.output": upscale(part["input"])}


def replay_model(tensors: Tensors, metadata: dict[str, Any]) -> Tensors:
    """Logits, probability and entropy of the stored samples, and the losses of the stored training step."""
    network = build_published(tensors, metadata)
    images, token_ids = tensors["image"], tensors["token_ids"]
    logits, sums = [], [RunningSums.zeros(images.shape[-1], images.device) for _ in images]
    with torch.inference_mode():
        for sample in range(len(tensors["sample_logits"])):
            logits.append(network(images, token_ids, replay_noise(tensors, f"noise.sample{sample}.")).logits)
            for row, running in enumerate(sums):
                running.add(logits[-1][row : row + 1].sigmoid())
        probability = torch.stack([running.mean()[0] for running in sums])
        output = network(images, token_ids, replay_noise(tensors, "train.noise."))
        settings = TrainingSettings(loss=LossWeights(), dice="published-rows")
        total, parts = batch_loss(PassOutput(output), tensors["train.mask"].float(), settings)
    names = {"contrastive_loss": "contrast", "dice_loss": "dice", "bce_loss": "cross_entropy"}
    return {
        "sample_logits": torch.stack(logits),
        "probability": probability,
        "entropy": binary_entropy(probability),
        "train.logits": output.logits,
        **{f"train.{name}": torch.tensor(parts[part]) for name, part in names.items()},
        "train.total_loss": total,
    }
