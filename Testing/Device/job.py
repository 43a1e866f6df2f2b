"""Train the next edition of the bundled model on one graphics card within a given time.

    python job.py --pack PACK.npz --start MODEL_FOLDER --out OUT --seconds 400

OUT is a model folder with the running average of the weights, renewed every minute, so that a run that is cut off loses
little; ``latest.safetensors`` beside it holds the weights of the last step, ``training.json`` settings and scores.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from batch_losses import batch_loss
from examples import KindSampler
from feed import DeviceBatch, Feed
from grown import deepen
from kinds import Kinds, prepared, read_kinds
from packed import Pack
from torch import Tensor
from validating import Validation

from MedCLIPSegLab.training.data import TrainingSet
from MedCLIPSegLab.training.growth import vocabulary_texts
from MedCLIPSegLab.training.settings import TrainingSettings, as_json
from MedCLIPSegLogic.model.catalog import WEIGHTS_FILE
from MedCLIPSegLogic.model.checkpoint import save_weights
from MedCLIPSegLogic.model.network import MedCLIPSeg, NetworkOutput
from MedCLIPSegLogic.model.noise import FreshNoise
from MedCLIPSegLogic.model.states import TextState
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer

SOURCE_SIDE = 288
WORDS = 1600
WARM_UP = 0.04
PRETRAINED_SHARE = 0.4
"""Learning rate of a stem from photographs as a share of the others'."""
CHECK_EVERY = 25
"""Steps between two looks at the loss, each of which waits for the device."""


def learning_rate(progress: float, settings: TrainingSettings) -> float:
    """Of the share of the time that is spent: up in a line, then down as half a cosine."""
    peak, final = settings.learning_rate, settings.final_learning_rate
    if progress < WARM_UP:
        return peak * max(progress, 1e-3) / WARM_UP
    share = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * share))


def training_texts(sets: Sequence[TrainingSet], settings: TrainingSettings, kinds: Kinds) -> Iterator[str]:
    """Everything the vocabulary is made of."""
    yield from kinds.words()
    yield from vocabulary_texts(sets, settings)


class Job:
    """One training.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._out, self._device = options.out, torch.device(options.device)
        self._save_every = options.save_every
        self._seconds, self._deadline, self._max_steps = options.seconds, options.deadline, options.max_steps
        recipe = json.loads(Path(__file__).with_name("recipe.json").read_text(encoding="utf-8"))
        kinds = read_kinds()
        recipe["set_weights"] = {name: kind.weight for name, kind in kinds.sets.items()}
        changes = json.loads(options.changes) | {"batch_size": options.batch}
        self._settings = TrainingSettings().changed(recipe).changed(changes)
        size = self._settings.stages[-1][1]
        sets, validation = _load(options.pack, kinds, options.limit)
        self.data = {s.name: {"images": s.image_count, "items": len(s.items)} for s in sets}
        self._out.mkdir(parents=True, exist_ok=True)
        texts = training_texts(sets, self._settings, kinds)
        self._network = deepen(
            options.start, self._out, texts, options.size or size, options.layers, WORDS, options.drop_path
        )
        config = self._network.config
        self._tokenizer = PromptTokenizer(config, self._out)
        sampler = KindSampler(sets, size, config.preprocessing, self._settings, kinds)
        # The workers are forked, so the card must not have been touched before.
        self._feed = Feed(sampler, self._tokenizer, options.workers, options.batch, size, options.slots)
        self._network.to(self._device).to(memory_format=torch.channels_last)
        self._average = copy.deepcopy(self._network).eval().requires_grad_(False)
        trained = [p for p in self._network.parameters() if p.requires_grad]
        groups = list(_groups(self._network, self._settings.weight_decay))
        fused = self._device.type == "cuda"
        self._optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), fused=fused)
        self._trained = trained
        mean, deviation = config.preprocessing.mean, config.preprocessing.std
        self._scale = [255 * torch.tensor(values, device=self._device) for values in (mean, deviation)]
        states = [(self._average.state_dict()[n], v) for n, v in self._network.state_dict().items()]
        self._followed = [(kept, moving) for kept, moving in states if moving.is_floating_point()]
        self._validation = Validation(validation, self._network, self._tokenizer, self._device, options.validate)
        self._rows: list[dict[str, float]] = []
        self._rate_factor = 1.0
        self.steps = 0

    def run(self) -> None:
        """Train until the time is over; always leaves the last weights behind."""
        self._feed.begin(self._device)
        self._feed()  # the first one waits for the workers
        begun = saved = time.monotonic()
        if self._deadline is not None:
            self._seconds = max(1.0, self._deadline - time.time())
        sums: dict[str, Tensor] = {}
        waits = 0
        while (progress := (time.monotonic() - begun) / self._seconds) < 1 and self.steps < self._max_steps:
            waits += self._feed.waiting() == 0
            losses = self._step(self._feed(), self._rate_factor * learning_rate(progress, self._settings))
            sums = {name: value + sums.get(name, 0) for name, value in losses.items()}
            self.steps += 1
            if self.steps % CHECK_EVERY == 0:
                means = {name: float(value) / CHECK_EVERY for name, value in sums.items()}
                self._look(means, time.monotonic() - begun, waits)
                sums, waits = {}, 0
            if time.monotonic() - saved > self._save_every:
                self._save(time.monotonic() - begun)
                saved = time.monotonic()
        self._save(time.monotonic() - begun)
        self._feed.close()

    def _step(self, batch: DeviceBatch, rate: float) -> dict[str, Tensor]:
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self._network.train()
        images = (batch.images.float() - self._scale[0]) / self._scale[1]
        with torch.autocast(self._device.type, torch.bfloat16):
            output = self._pass(images.permute(0, 3, 1, 2), batch.token_ids)
        whole = NetworkOutput(output.logits.float(), output.patches.float(), output.text.float())
        losses = batch_loss(whole, batch.labels, batch.places, self._settings.loss)
        self._optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self._trained, self._settings.clip_norm or 1.0, foreach=True)
        self._optimizer.step()
        self._follow()
        return {name: value.detach() for name, value in losses.items()}

    def _pass(self, images: Tensor, token_ids: Tensor) -> NetworkOutput:
        """As the network's forward call, without asking the device how long the prompts are."""
        network, tower = self._network, self._network.text_model
        image = network.encode_images(images)
        padding = token_ids == 0
        mask, pooled = ~padding[:, None, None], tower.pooled_positions(token_ids)
        state = TextState(tower.embed(token_ids), padding, mask, token_ids.shape[1], pooled)
        tokens = state.tokens
        for index in range(network.config.adapter.fusion_layers[0]):
            tokens = network.text_block(index, tokens, state)
        state = dataclasses.replace(state, tokens=tokens)
        return network.decode(network.meet(image, state), FreshNoise())

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self._settings.ema_decay, (1 + self.steps) / (10 + self.steps))
        kept, moving = zip(*self._followed, strict=True)
        torch._foreach_lerp_(list(kept), list(moving), 1 - decay)

    def _look(self, means: dict[str, float], seconds: float, waits: int) -> None:
        """Log; a loss that is no number any more goes back to the average with half the rate."""
        total = sum(means.values())
        if not math.isfinite(total):
            self._network.load_state_dict(self._average.state_dict())
            self._optimizer.state.clear()
            self._rate_factor *= 0.5
        row = {"step": float(self.steps), "seconds": round(seconds, 2), "loss": total, "waits": float(waits)}
        self._rows.append(row | {f"loss_{name}": value for name, value in means.items()})
        if self.steps % (10 * CHECK_EVERY) == 0:
            pace = self.steps * self._settings.batch_size / seconds
            words = f"step {self.steps}, loss {total:.4f}, {pace:.0f} pairs/s, waits {waits}"
            print(f"{seconds:6.1f} s, {words}", flush=True)

    def _save(self, seconds: float) -> None:
        scores = self._validation(self._average)
        print(f"{seconds:6.1f} s, step {self.steps}, Val {scores}", flush=True)
        self._rows.append({"step": float(self.steps), "seconds": round(seconds, 2), **scores})
        save_weights(self._network.state_dict(), self._out / "latest.safetensors", half=True)
        save_weights(self._average.state_dict(), self._out / WEIGHTS_FILE, half=True)
        record: dict[str, Any] = {
            "torch": torch.__version__,
            "card": torch.cuda.get_device_name() if self._device.type == "cuda" else None,
            "seconds": round(seconds, 1),
            "steps_done": self.steps,
            "pairs": self.steps * self._settings.batch_size,
            "data": self.data,
            "settings": as_json(self._settings),
            "rows": self._rows,
        }
        (self._out / "training.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


def _groups(network: MedCLIPSeg, decay: float) -> Iterator[dict[str, Any]]:
    """Weights decay, biases and norms do not; what comes from photographs moves more slowly."""
    for is_stem in (False, True):
        named = [(n, p) for n, p in network.named_parameters() if p.requires_grad and (".backbone." in n) == is_stem]
        share = PRETRAINED_SHARE if is_stem and network.config.image.stem != "residual" else 1.0
        yield {"params": [p for _, p in named if p.ndim >= 2], "weight_decay": decay, "share": share}
        yield {"params": [p for _, p in named if p.ndim < 2], "weight_decay": 0.0, "share": share}


def _load(path: Path, kinds: Kinds, limit: int | None) -> tuple[list[TrainingSet], list[TrainingSet]]:
    pack = Pack(path)
    with ThreadPoolExecutor(8) as threads:
        loaded = list(threads.map(lambda name: pack.load("Train", SOURCE_SIDE, limit, [name]), pack.index))
    validation = pack.load("Val", SOURCE_SIDE, limit=24)
    sets = [prepared(s, kinds.sets[s.name]) for part in loaded for s in part]
    return sets, validation


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--deadline", type=float, help="second of the epoch at which to end; instead of --seconds")
    parser.add_argument("--max-steps", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--slots", type=int, default=40)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--drop-path", type=float, default=0.1)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--changes", default="{}", help="JSON with settings that replace those of recipe.json")
    parser.add_argument("--size", type=int, help="input of the model, when it is trained at another one")
    parser.add_argument("--save-every", type=float, default=60, help="seconds between two validations")
    parser.add_argument("--validate", type=int, default=48, help="prompts of a set in a validation")
    parser.add_argument("--limit", type=int, help="items a set; for a trial")
    options = parser.parse_args()
    torch.manual_seed(50)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    Job(options).run()


if __name__ == "__main__":
    main()
