"""Check this implementation against a golden file of the published network."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.uncertainty import RunningSums, binary_entropy

from .golden import Tensors, build_published, read_golden, replay_modules, replay_noise

TOLERANCE = 1e-4
"""Largest absolute error that counts as equal."""


def verify(file: str | Path) -> dict[str, float]:
    """Rebuild what a golden file holds, replay its noise and compare every stored output.

    Args:
        file: safetensors file with the modules, or with a whole model and its sizes as metadata.

    Returns:
        Largest absolute error of each stored output, in the file's own order of computation; infinite where either
        side is not a number.

    Raises:
        MedCLIPSegError: not a golden file, or damaged.
    """
    path = Path(file)
    tensors, metadata = read_golden(path)
    if "sample_logits" in tensors:
        outputs = _replay_model(tensors, metadata, path)
    elif any(name.startswith("attention.") for name in tensors):
        with torch.inference_mode():
            outputs = replay_modules(tensors, path)
    else:
        raise MedCLIPSegError(f"{path} is no golden file: it holds neither the modules nor a whole model.")
    errors = {}
    for name, value in outputs.items():
        if name not in tensors or tensors[name].shape != value.shape:
            raise MedCLIPSegError(f"{path} is no golden file: its output '{name}' is missing or has another shape.")
        error = float((value - tensors[name]).abs().max())
        errors[name] = error if math.isfinite(error) else math.inf
    return errors


def _replay_model(tensors: Tensors, metadata: dict[str, str], path: Path) -> Tensors:
    network = build_published(tensors, metadata, path)
    try:
        images, token_ids = tensors["image"], tensors["token_ids"]
        logits, sums = [], [RunningSums.zeros(images.shape[-1], images.device) for _ in images]
        with torch.inference_mode():
            for sample in range(len(tensors["sample_logits"])):
                logits.append(network(images, token_ids, replay_noise(tensors, f"noise.sample{sample}.")).logits)
                for row, running in enumerate(sums):
                    running.add(logits[-1][row : row + 1].sigmoid())
            probability = torch.stack([running.mean()[0] for running in sums])
            outputs = {
                "sample_logits": torch.stack(logits),
                "probability": probability,
                "entropy": binary_entropy(probability),
            }
            if "train.mask" in tensors:
                outputs |= _replay_training(network, tensors)
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise MedCLIPSegError(f"{path} is no golden file of a whole model: {error}.") from None
    return outputs


def _replay_training(network: torch.nn.Module, tensors: Tensors) -> Tensors:
    """Logits and losses of the stored training step (dropout off)."""
    from .training.losses import LossWeights, total_loss

    output = network(tensors["image"], tensors["token_ids"], replay_noise(tensors, "train.noise."))
    total, parts = total_loss(output, tensors["train.mask"].float(), LossWeights(), published_rows=True)
    names = {"contrastive_loss": "contrast", "dice_loss": "dice", "bce_loss": "cross_entropy"}
    losses = {f"train.{name}": torch.tensor(parts[part]) for name, part in names.items()}
    return {"train.logits": output.logits, **losses, "train.total_loss": total}
