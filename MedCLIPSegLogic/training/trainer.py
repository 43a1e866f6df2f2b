"""The training loop: a generator that yields after every step."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..errors import MedCLIPSegError
from ..evaluation.metrics import dice_score
from ..model.checkpoint import save_adapter, save_checkpoint
from ..model.network import MedCLIPSeg
from ..model.noise import FreshNoise, SeededNoise
from ..model.tokenizer import PromptTokenizer
from .curves import Row, draw_curve, write_log
from .data import TrainingSet
from .losses import total_loss
from .sampler import BatchSampler, validation_batch
from .settings import TrainingSettings
from .state import load_state, save_state

WARM_UP = 0.08
CLIP_NORM = 1.0
MAY_CHANGE = {"threads", "validate_every", "validation_limit"}
"""Settings that do not change the weights a resumed run ends with."""


@dataclass(frozen=True)
class TrainingProgress:
    """State after a step, counted from 1; ``dice`` is the latest mean validation Dice, None before the first."""

    step: int
    steps: int
    loss: float
    dice: float | None
    seconds_left: float


class Trainer:
    """Trains one network.

    Args:
        network: to train, in place.
        tokenizer: of the network.
        train_sets: training data.
        validation_sets: data for validation only; may be empty.
        settings: how to train.
        folder: receives weights, log, curve and resumable state.
        backbone: SHA-256 of the shared backbone the frozen towers came from; only the adapter is written then.
    """

    def __init__(
        self,
        network: MedCLIPSeg,
        tokenizer: PromptTokenizer,
        train_sets: Sequence[TrainingSet],
        validation_sets: Sequence[TrainingSet],
        settings: TrainingSettings,
        folder: Path,
        backbone: str | None = None,
    ) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._train_sets = train_sets
        self._validation_sets = validation_sets
        self._settings = settings
        self._folder = folder
        self._backbone = backbone
        if settings.freeze_towers:
            network.vision_model.requires_grad_(False)
            network.text_model.requires_grad_(False)
        # Buffers too: the batch statistics of the moving network do not fit the averaged weights.
        self._average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(settings.ema_decay), use_buffers=True)
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(network, settings.weight_decay), lr=settings.learning_rate, betas=(0.9, 0.99)
        )
        self._rows: list[Row] = []
        self._next_step = 0
        self._seconds = 0.0

    def start(self) -> None:
        """Leave a first state behind, so that the run can be resumed from its first step on."""
        self._save_state()

    def resume(self) -> None:
        """Go on from the state in the folder.

        Raises:
            MedCLIPSegError: the state is damaged, or the run was begun with other settings.
        """
        record = load_state(self._folder, self._network, self._average, self._optimizer)
        wanted, begun = (json.loads(json.dumps(s)) for s in (dataclasses.asdict(self._settings), record["settings"]))
        for name in sorted(wanted.keys() - MAY_CHANGE):
            if wanted[name] != begun.get(name):
                raise MedCLIPSegError(
                    f"The training in {self._folder} was begun with {name} {begun.get(name)}, not {wanted[name]}; "
                    "resume it with the same options."
                )
        self._next_step, self._seconds, self._rows = record["next_step"], record["seconds"], record["rows"]

    @property
    def seconds(self) -> float:
        """Time spent in training steps and validation so far, earlier parts of a resumed run included."""
        return self._seconds

    def run(self) -> Generator[TrainingProgress, None, None]:
        """Train to the last step; every validation leaves weights, log, curve and state behind."""
        settings = self._settings
        sampler, size = None, 0
        window: list[dict[str, float]] = []
        begun, first = time.monotonic() - self._seconds, self._next_step
        started = time.monotonic()
        for step in range(first, settings.steps):
            if sampler is None or settings.size_at(step) != size:
                size = settings.size_at(step)
                sampler = BatchSampler(
                    self._train_sets,
                    size,
                    settings.negative_share,
                    self._network.config.preprocessing,
                    settings.seed,
                )
            window.append(self._step(step, sampler))
            if (step + 1) % settings.validate_every == 0 or step + 1 == settings.steps:
                means = {name: float(np.mean([w[name] for w in window])) for name in window[0]}
                row = {"step": float(step + 1), "size": float(size), **means, **self._validate(size)}
                window = []
                self._next_step, self._seconds = step + 1, time.monotonic() - begun
                self._rows.append({**row, "seconds": self._seconds})
                self._save()
            dice = self._rows[-1].get("dice_mean") if self._rows else None
            pace = (time.monotonic() - started) / (step + 1 - first)
            yield TrainingProgress(
                step + 1,
                settings.steps,
                window[-1]["loss"] if window else means["loss"],
                dice,
                pace * (settings.steps - step - 1),
            )

    def _step(self, step: int, sampler: BatchSampler) -> dict[str, float]:
        settings = self._settings
        for group in self._optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings.steps)
        images, texts, masks = sampler.batch(step, settings.batch_size)
        torch.manual_seed(settings.seed * 1_000_003 + step)
        self._network.train()
        if settings.freeze_towers:  # frozen towers keep their batch statistics as well
            self._network.vision_model.eval()
            self._network.text_model.eval()
        output = self._network(images, self._tokenizer(texts), FreshNoise())
        loss, parts = total_loss(output, masks, settings.loss)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), CLIP_NORM)
        self._optimizer.step()
        self._average.update_parameters(self._network)
        return {"loss": float(loss.detach()), **{f"loss_{name}": value for name, value in parts.items()}}

    @torch.inference_mode()
    def _validate(self, size: int) -> Row:
        network = self._averaged_network().eval()
        row: Row = {}
        for validation_set in self._validation_sets:
            items = validation_set.items
            step = max(1, math.ceil(len(items) / self._settings.validation_limit))
            scores = []
            for number in range(0, len(items), step):
                images, texts, masks = validation_batch(items[number : number + 1], size, network.config.preprocessing)
                logits = network(images, self._tokenizer(texts), SeededNoise(0, [(number, 0)])).logits
                scores.append(dice_score(logits[0].numpy() > 0, masks[0]))
            row[f"dice_{validation_set.name}"] = float(np.mean(scores))
        if row:
            row["dice_mean"] = float(np.mean(list(row.values())))
        return row

    def _averaged_network(self) -> MedCLIPSeg:
        return cast(MedCLIPSeg, self._average.module)

    def _save(self) -> None:
        if self._backbone is None:
            save_checkpoint(self._averaged_network(), self._folder, half=True)
        else:
            save_adapter(self._averaged_network(), self._folder, self._backbone, half=True)
        write_log(self._folder, self._rows)
        draw_curve(self._folder, self._rows)
        self._save_state()

    def _save_state(self) -> None:
        record = {
            "next_step": self._next_step,
            "seconds": self._seconds,
            "rows": self._rows,
            "settings": dataclasses.asdict(self._settings),
        }
        save_state(self._folder, self._network, self._average, self._optimizer, record)


def _schedule(step: int, steps: int) -> float:
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def _parameter_groups(network: MedCLIPSeg, weight_decay: float) -> list[dict]:
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
