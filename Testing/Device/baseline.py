"""Train the network without text that a model is compared with: MONAI's U-Net, one channel a class of a data set.

    python baseline.py --pack PACK.npz --out OUT --seconds 3600
    python baseline.py --scores DATA --out OUT

The second line, with the folder of the data sets, writes the Dice of every class on the Test folders to
``OUT/scores.json``. The channel is chosen by set and class, which a prompt must say to a model that reads text.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from job import SOURCE_SIDE, learning_rate
from kinds import prepared, read_kinds
from monai.networks.nets.unet import UNet
from numpy.typing import NDArray
from packed import Pack, PackedItem
from torch import Tensor, nn
from torch.nn import functional

from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLab.training.augment import augment
from MedCLIPSegLab.training.sampler import model_input
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLogic.datasets.sheets import read_sheet
from MedCLIPSegLogic.files.json_reading import read_json
from MedCLIPSegLogic.inference.preprocess import has_content, place, prepare_slice
from MedCLIPSegLogic.model.config import PreprocessingConfig
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import Plane, choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

SIZE = 224
BATCH = 8
KEPT = 0.998
LOOK_EVERY = 250
INPUT = PreprocessingConfig("rgb", antialias=True)
PLANE: dict[str, Plane] = {"MSDHippocampus": "sagittal"}
"""Plane in which the Test volumes of a set are cut."""


def unet(channels: int) -> UNet:
    """The network, residual, 16 to 256 channels."""
    return UNet(2, 3, channels, (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2, norm="batch")


class Examples:
    """Draws pictures with the mask of one class, augmented as for the model that reads text."""

    def __init__(self, pack: Pack, settings: TrainingSettings) -> None:
        kinds = read_kinds()
        self._settings = settings
        self._sets = [prepared(s, kinds.sets[s.name]) for s in pack.load("Train", SOURCE_SIDE)]
        weights = np.array([kinds.sets[s.name].weight * s.image_count**0.5 for s in self._sets])
        self._shares = weights / weights.sum()
        names = {(s.name, kind) for s in self._sets for item in s.items for kind in _classes(item)}
        self.channels = {"/".join(name): number for number, name in enumerate(sorted(names))}

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 3, S, S), masks (B, S, S) float and their channels (B)."""
        images, masks, channels = zip(*(self._one(step, row) for row in range(BATCH)), strict=True)
        return model_input(np.stack(images), INPUT), torch.from_numpy(np.stack(masks)).float(), torch.tensor(channels)

    def _one(self, step: int, row: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
        rng = np.random.default_rng([self._settings.seed, step, row])
        chosen = self._sets[int(rng.choice(len(self._sets), p=self._shares))]
        item = chosen.items[int(rng.integers(len(chosen.items)))]
        number = int(rng.integers(len(item.targets)))
        image, _, mask = augment(item, "", item.targets[number][1], SIZE, rng)
        return image, mask, self.channels[f"{chosen.name}/{_classes(item)[number]}"]


def _classes(item: Any) -> tuple[str, ...]:
    assert isinstance(item, PackedItem)
    return item.classes


def train(pack: Path, out: Path, seconds: float) -> None:
    """Train for so many seconds of processor time, and leave the running average of the weights."""
    settings = TrainingSettings().changed({"learning_rate": 1e-3, "final_learning_rate": 1e-6, "seed": 70})
    examples = Examples(Pack(pack), settings)
    out.mkdir(parents=True, exist_ok=True)
    network = unet(len(examples.channels)).to(memory_format=torch.channels_last)
    average = unet(len(examples.channels)).eval()
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=1e-2)
    begun, step = time.process_time(), 0
    while (spent := time.process_time() - begun) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(spent / seconds, settings)
        images, masks, channels = examples.batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(images.to(memory_format=torch.channels_last))
        loss = _loss(logits.float()[torch.arange(BATCH), channels], masks)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        _follow(average, network, min(KEPT, (1 + step) / (10 + step)))
        if step % LOOK_EVERY == 0:
            print(f"{spent:7.1f} s, step {step}, loss {float(loss):.3f}", flush=True)
            torch.save(average.state_dict(), out / "unet.pt")
    torch.save(average.state_dict(), out / "unet.pt")
    record = {"channels": examples.channels, "steps": step, "seconds": round(seconds)}
    (out / "unet.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _loss(logits: Tensor, masks: Tensor) -> Tensor:
    inside = logits.sigmoid()
    both = (inside * masks).sum((1, 2))
    dice = 1 - (2 * both + 1) / (inside.sum((1, 2)) + masks.sum((1, 2)) + 1)
    return 0.5 * dice.mean() + 0.5 * functional.binary_cross_entropy_with_logits(logits, masks)


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, moving in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if moving.is_floating_point():
            kept.lerp_(moving, 1 - decay)
        else:
            kept.copy_(moving)


@torch.inference_mode()
def score(data: Path, out: Path) -> None:
    """Dice of every class over the rows of the Test sheets; an empty mask of an empty truth counts as 1."""
    channels: dict[str, int] = read_json(out / "unet.json")["channels"]
    network = unet(len(channels))
    network.load_state_dict(torch.load(out / "unet.pt", weights_only=True))
    network.eval()
    found: dict[str, list[float]] = {}
    for name in sorted({key.partition("/")[0] for key in channels}):
        folder = data / name
        sheets = sorted((folder / "Prompts_Folder").glob("Test_text_original.*"))
        for row in read_sheet(sheets[0]) if sheets else ():
            volume = read_volume(folder / "Test_Folder" / "img" / row.image)
            truth = read_truth(folder / "Test_Folder" / "label" / row.ground_truth, row.label_values, volume)
            kind = row.ground_truth.partition("__")[2].partition(".")[0] or "-".join(map(str, row.label_values))
            if (channel := channels.get(f"{name}/{kind}")) is None:
                continue
            mask = _segment(network, channel, volume, PLANE.get(name, "auto"))
            total = int(mask.sum()) + int(truth.sum())
            found.setdefault(f"{name}/{kind}", []).append(2 * int((mask & truth).sum()) / total if total else 1.0)
    scores = {key: {"rows": len(values), "dice": round(float(np.mean(values)), 4)} for key, values in found.items()}
    (out / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(scores, indent=1))


def _segment(network: nn.Module, channel: int, volume: Volume, plane: Plane) -> NDArray[np.bool_]:
    axis = choose_axis(volume, plane)
    mapping = resolve(default_rule(volume), volume)
    mask = np.zeros(volume.shape, bool)
    for index in range(axis.count):
        pixels = mapping.apply(axis.extract(volume.voxels, index))
        if not has_content(pixels):
            continue
        placement = place(pixels.shape[:2], (1.0, 1.0), SIZE, INPUT)
        logits = network(prepare_slice(pixels, placement, INPUT)[None])[:, channel]
        axis.insert(mask, index, placement.restore(logits.sigmoid())[0].numpy() > 0.5)
    return mask


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=3600, help="of processor time")
    parser.add_argument("--scores", type=Path, help="folder of the data sets: score a network that was trained")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(70)
    if options.scores is not None:
        score(options.scores, options.out)
    else:
        train(options.pack, options.out, options.seconds)


if __name__ == "__main__":
    main()
