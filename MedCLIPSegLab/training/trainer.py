"""The training loop: a generator that yields after every step."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.threads import threads_for
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import FreshNoise

from .curves import Row, TensorBoardLog, draw_curve, write_log
from .data import TrainingSet
from .objective import TrainingPass, batch_loss
from .optimization import build_optimizer, learning_rate
from .processes import Processes, rows_in_parts
from .request import MAY_CHANGE, STATE_FILE, TRAINING_RUN
from .sampler import Batch, BatchSampler, epoch_steps
from .settings import TrainingSettings, as_json
from .state import SaveWeights, load_state, save_kept_weights, save_state
from .text_free_unet import TextFreeUNet
from .validation import validate

PROCESS_SEED_STEP = 7_919_000_003


@dataclass(frozen=True)
class TrainingProgress:
    """State after a step, counted from 1; ``dice`` is the latest mean validation Dice, None before the first."""

    step: int
    steps: int
    loss: float
    dice: float | None
    seconds_left: float


STATE_PARTS = {"settings": dict, "next_step": int, "seconds": float, "rows": list}


class Trainer:
    """Trains one network.

    Args:
        network: to train, in place; takes images, token ids and noise and gives a :class:`NetworkOutput`. Its
            configuration says how images become its input.
        tokenizer: token ids of prompts, (B, T).
        train_sets: training data.
        validation_sets: data for validation only; may be empty.
        settings: how to train.
        folder: receives weights, log, curve and resumable state.
        processes: this process and the others of the run.
        save: makes a model folder of weights.
        frozen: parts of the network that stay as they are.
    """

    def __init__(
        self,
        network: MedCLIPSeg | TextFreeUNet,
        tokenizer: Callable[[Sequence[str]], Tensor],
        train_sets: Sequence[TrainingSet],
        validation_sets: Sequence[TrainingSet],
        settings: TrainingSettings,
        folder: Path,
        processes: Processes,
        save: SaveWeights,
        frozen: Sequence[nn.Module] = (),
    ) -> None:
        self._network = network.to(processes.device)
        self._tokenizer = tokenizer
        self._train_sets = train_sets
        self._validation_sets = validation_sets
        self._settings = settings
        self._folder = folder
        self._processes = processes
        self._preprocessing = network.config.preprocessing
        self._save_model, self._frozen = save, frozen
        for part in frozen:
            part.requires_grad_(False)
        self._pass = processes.parallel(TrainingPass(network, settings.loss.presence > 0))
        self._average: AveragedModel | None = None
        if settings.ema_decay > 0:
            # Buffers too: the batch statistics of the moving network do not fit the averaged weights.
            averaging = get_ema_multi_avg_fn(settings.ema_decay)
            self._average = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
        self._optimizer = build_optimizer(network, settings)
        self._scaler = torch.amp.GradScaler(processes.device.type, enabled=settings.precision == "float16")
        self._epoch = epoch_steps(train_sets, settings.batch_size)
        self.steps = settings.steps if settings.epochs is None else settings.epochs * self._epoch
        self._rows: list[Row] = []
        self._next_step = 0
        self._seconds = 0.0

    def train(
        self,
        record: Mapping[str, Any],
        resume: bool,
        progress: Callable[[TrainingProgress], None] | None,
        complete: Callable[[], None] = lambda: None,
    ) -> None:
        """Train to the end.

        Args:
            record: of the run; written once more with what it came to.
            resume: go on from the state in the folder; without, or where there is none yet, leave a first one behind.
            progress: called after every step, in the first process.
            complete: called in the first process after the last step, before the run counts as finished.

        Raises:
            MedCLIPSegError: the state is damaged, the run was begun with other settings, or as :meth:`run`.
        """
        if resume and (self._folder / STATE_FILE).is_file():
            self._resume()
        elif self._processes.is_first:
            self._save_state()
        for step in self.run():
            if progress and self._processes.is_first:
                progress(step)
        self._processes.on_first(complete)
        best = max((row for row in self._rows if "dice_mean" in row), key=lambda row: row["dice_mean"], default=None)
        done = {
            "seconds": round(self._seconds, 1),
            "steps_done": self._next_step,
            "last": self._rows[-1],
            "best": best,
            "finished": True,
        }
        self._processes.on_first(lambda: TRAINING_RUN.write(self._folder, {**record, **done}))

    def _resume(self) -> None:
        record = load_state(self._folder, self._network, self._average, self._optimizer, STATE_PARTS)
        # A run begun by an earlier version did not know the newer settings: it goes on with their defaults.
        wanted, begun = as_json(self._settings), as_json(TrainingSettings().changed(record["settings"]))
        TRAINING_RUN.require_same(self._folder, begun, wanted, MAY_CHANGE)
        self._next_step, self._seconds, self._rows = record["next_step"], record["seconds"], record["rows"]
        if "scaler" in record:
            self._scaler.load_state_dict(record["scaler"])

    def run(self) -> Generator[TrainingProgress, None, None]:
        """Train to the last step; every validation leaves weights, log, curve and state behind.

        Raises:
            MedCLIPSegError: the loss is no number any more, or a file cannot be written; the state of the last
                validation is kept.
        """
        with threads_for(self._settings.threads) as threads:
            for step in self._steps():
                threads.adjust()
                yield step

    def _steps(self) -> Generator[TrainingProgress, None, None]:
        settings = self._settings
        sampler, size = None, 0
        window: list[dict[str, float]] = []
        begun, first = time.monotonic() - self._seconds, self._next_step
        started = time.monotonic()
        log = TensorBoardLog(self._folder, first) if settings.tensorboard and self._processes.is_first else None
        validate_every = settings.validate_every or self._epoch
        if self._must_stop():
            return
        for step in range(first, self.steps):
            if sampler is None or settings.size_at(step, self.steps) != size:
                size = settings.size_at(step, self.steps)
                sampler = BatchSampler(self._train_sets, size, self._preprocessing, settings)
            window.append(self._step(step, sampler))
            loss = window[-1]["loss"]
            if (step + 1) % validate_every == 0 or step + 1 == self.steps:
                means = {name: float(np.mean([w[name] for w in window])) for name in window[0]}
                window, loss = [], means["loss"]
                row = {"step": float(step + 1), "size": float(size), **means, **self._validate(size)}
                self._next_step, self._seconds = step + 1, time.monotonic() - begun
                self._rows.append({**row, "seconds": self._seconds})
                self._processes.on_first(self._save)
                if log is not None:
                    log.add(self._rows[-1])
            pace = (time.monotonic() - started) / (step + 1 - first)
            yield TrainingProgress(
                step + 1,
                self.steps,
                loss,
                self._rows[-1].get("dice_mean") if self._rows else None,
                pace * (self.steps - step - 1),
            )
            if not window and self._must_stop():
                return

    def _step(self, step: int, sampler: BatchSampler) -> dict[str, float]:
        settings = self._settings
        rate = learning_rate(step, self.steps, settings)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed(settings.seed * 1_000_003 + step + PROCESS_SEED_STEP * self._processes.rank)
        self._network.train()
        for frozen in self._frozen:  # they keep their batch statistics as well
            frozen.eval()
        self._optimizer.zero_grad(set_to_none=True)
        rows = self._processes.own_rows(sampler.row_count(step))
        parts = rows_in_parts(rows, settings.accumulation)
        values: dict[str, float] = {}
        for number, part in enumerate(parts):
            share = len(part) / len(rows)
            waits = number + 1 < len(parts) and isinstance(self._pass, DistributedDataParallel)
            with cast(DistributedDataParallel, self._pass).no_sync() if waits else nullcontext():
                for name, value in self._backward(step, sampler.batch(step, part), share).items():
                    values[name] = values.get(name, 0.0) + share * value
        self._scaler.unscale_(self._optimizer)
        if settings.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), settings.clip_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._average is not None:
            self._average.update_parameters(self._network)
        return values

    def _backward(self, step: int, batch: Batch, share: float) -> dict[str, float]:
        """Add the gradients of some rows; returns the values of the losses."""
        device = self._processes.device
        images, texts, masks, targets = batch
        precision = getattr(torch, self._settings.precision)
        with torch.autocast(device.type, precision, enabled=precision is not torch.float32):
            output = self._pass(images.to(device), self._tokenizer(texts).to(device), FreshNoise())
        loss, parts = batch_loss(output, masks.to(device), self._settings, targets.to(device))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise MedCLIPSegError(
                f"The loss of step {step + 1} is not a number; lower the learning rate. {self._folder} holds the last "
                "good weights."
            )
        self._scaler.scale(loss if share == 1 else share * loss).backward()
        return {"loss": value, **{f"loss_{name}": part for name, part in parts.items()}}

    def _validate(self, size: int) -> Row:
        """Validation Dice, computed by the first process: only its batch statistics are those that are saved."""
        return self._processes.on_first(
            lambda: validate(
                self._network if self._average is None else self._average.module,
                self._tokenizer,
                self._preprocessing,
                self._validation_sets,
                size,
                self._settings.validation_limit,
                self._processes.device,
            )
        )

    def _must_stop(self) -> bool:
        """True if the last validations have brought nothing better."""
        scores, patience = self._scores, self._settings.patience
        return patience is not None and len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience])

    @property
    def _scores(self) -> list[float]:
        return [row["dice_mean"] for row in self._rows if "dice_mean" in row]

    def _save(self) -> None:
        scores = self._scores
        is_best = not scores or scores[-1] > max(scores[:-1], default=-1.0)
        average = None if self._average is None else self._average.module.state_dict()
        save_kept_weights(
            self._folder, self._settings.keep, self._network.state_dict(), average, is_best, self._save_model
        )
        write_log(self._folder, self._rows)
        draw_curve(self._folder, self._rows)
        self._save_state()

    def _save_state(self) -> None:
        record: dict[str, Any] = {
            "next_step": self._next_step,
            "seconds": self._seconds,
            "rows": self._rows,
            "settings": dataclasses.asdict(self._settings),
            "scaler": self._scaler.state_dict(),
        }
        save_state(self._folder, self._network, self._average, self._optimizer, record)
