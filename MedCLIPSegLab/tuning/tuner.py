"""The tuning loop: a generator that yields after every step."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.network import MedCLIPSeg

from ..training.curves import Row, write_log
from ..training.optimization import decayed_groups
from ..training.processes import rows_in_parts
from ..training.state import load_state, save_state
from .dhn_nce import dhn_nce
from .pairs import Pair, draw_batches
from .request import TUNING_RUN
from .retrieval import RetrievalScores, score_retrieval
from .settings import TuningSettings
from .tuned_towers import TunedTowers, read_ahead

ADAMW_BETAS, ADAMW_EPSILON = (0.9, 0.98), 1e-6
"""Those of the released script."""
MEASURED_AT_ONCE = 32
MAY_CHANGE = {"epochs", "patience", "device", "threads", "save_every", "parts"}
"""Settings a resumed run may change: they do not change what was done."""


@dataclass(frozen=True)
class TuningProgress:
    """State after a step of a stage.

    Args:
        stage: reading all pairs, measuring the retrieval, or tuning.
        done: share 0…1 of the stage; a run that stops early never reaches 1.
        detail: a few words on where it is.
        loss: of the step; None outside of tuning.
        top_1: latest validation retrieval, mean of both directions; None before the first.
        seconds_left: of the stage, at the pace so far.
    """

    stage: Literal["reading", "measuring", "tuning"]
    done: float
    detail: str
    loss: float | None
    top_1: float | None
    seconds_left: float


def progress_of(
    stage: Literal["reading", "measuring"],
    number: int,
    count: int,
    what: str,
    started: float,
    top_1: float | None = None,
) -> TuningProgress:
    """State after the pair of a number, from 1, in a stage that began at a time."""
    left = (time.monotonic() - started) * (count - number) / number
    return TuningProgress(stage, number / count, f"{what} {number} of {count}", None, top_1, left)


STATE_PARTS = {"settings": dict, "epoch": int, "batch": int, "loss_sum": float, "rows": list, "seconds": float}


class Tuner:
    """Tunes both towers of one network.

    Args:
        towers: are tuned in place.
        training: pairs to learn from.
        validation: pairs whose retrieval chooses the epoch.
        settings: how to tune.
        folder: receives log and resumable state.
        keep: called with the network after an epoch that made it better than ever.
    """

    def __init__(
        self,
        towers: TunedTowers,
        training: Sequence[Pair],
        validation: Sequence[Pair],
        settings: TuningSettings,
        folder: Path,
        keep: Callable[[MedCLIPSeg], None],
    ) -> None:
        self._towers = towers
        self._network = towers.network
        self._training, self._validation = training, validation
        self._settings, self._folder, self._keep = settings, folder, keep
        groups = decayed_groups(towers.network, settings.weight_decay)
        self._optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=ADAMW_BETAS, eps=ADAMW_EPSILON)
        self.epochs, self._batch = 0, 0
        self._loss_sum = 0.0
        self._rows: list[Row] = []
        self._seconds = 0.0
        self._begun = time.monotonic()

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, whose weights were kept last; 0 if none was better than the start."""
        return int(max(self._rows, key=_merit)["epoch"])

    @property
    def seconds(self) -> float:
        """Time of the run so far, earlier parts of a resumed run included."""
        return self._seconds + time.monotonic() - self._begun

    def resume(self) -> None:
        """Go on from the state in the folder.

        Raises:
            MedCLIPSegError: the state is damaged, or the run was begun with other settings.
        """
        record = load_state(self._folder, self._network, None, self._optimizer, STATE_PARTS)
        settings = dataclasses.asdict(self._settings)
        # A run begun by an earlier version did not know the newer settings.
        TUNING_RUN.require_same(self._folder, {**settings, **record["settings"]}, settings, MAY_CHANGE)
        self.epochs, self._batch, self._loss_sum = record["epoch"], record["batch"], record["loss_sum"]
        self._rows, self._seconds = record["rows"], record["seconds"]
        self._begun = time.monotonic()

    def run(self, before: RetrievalScores) -> Generator[TuningProgress, None, None]:
        """Tune until the last epoch or until the validation retrieval gets no better.

        Args:
            before: validation retrieval of the weights the run began with.

        Raises:
            MedCLIPSegError: an image cannot be read, or the loss is no number any more; what was saved is kept.
            OSError: a file cannot be written; what was saved is kept.
        """
        if not self._rows:
            self._rows.append(self._row(before))
        started, first = time.monotonic(), self._epoch_share(0)
        while self.epochs < self._settings.epochs and not self._must_stop():
            batches = draw_batches(self._training, self._settings.batch_size, self._seed(self.epochs, 0))
            if not batches:
                raise MedCLIPSegError(
                    "All pairs to tune on have the same image or caption; there is nothing to tell apart."
                )
            rate = self._settings.learning_rate * self._settings.decay**self.epochs
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            for batch, images in read_ahead(batches[self._batch :], self._towers.read):
                loss = self._step(batch, images)
                self._batch += 1
                self._loss_sum += loss
                if self._batch % self._settings.save_every == 0 and self._batch < len(batches):
                    self.save_state()
                done = self._epoch_share(len(batches))
                left = (time.monotonic() - started) * (1 - done) / (done - first)
                detail = f"epoch {self.epochs + 1}, step {self._batch} of {len(batches)}"
                yield TuningProgress("tuning", done, detail, loss, self._rows[-1]["top_1"], left)
            self.epochs, self._batch = self.epochs + 1, 0
            yield from self._end_epoch({"steps": float(len(batches)), "learning_rate": rate})

    def _epoch_share(self, batches: int) -> float:
        within = self._batch / batches if batches else 0.0
        return (self.epochs + within) / self._settings.epochs

    def _seed(self, epoch: int, batch: int, part: int = 0) -> int:
        """A seed of its own for every part of every step, so that a resumed run goes on as if never interrupted."""
        return ((self._settings.seed * 10_007 + epoch) * 1_000_003 + batch) * 1_009 + part

    def _step(self, batch: Sequence[Pair], images: Tensor) -> float:
        settings = self._settings
        captions = [pair.caption for pair in batch]
        parts = rows_in_parts(range(len(batch)), settings.parts)
        self._towers.learn(True)
        self._optimizer.zero_grad(set_to_none=True)
        if len(parts) == 1:
            vectors = self._vectors(images, captions, 0)
            loss = self._loss(*vectors)
            loss.backward()
        else:
            # Every pair is compared with all others, so the loss needs all vectors before any part can learn: they are
            # computed without gradients, then once more, part by part, with the gradient the loss has for them.
            computed = []
            with torch.no_grad():
                for number, rows in enumerate(parts):
                    computed.append(self._vectors(images[rows], [captions[row] for row in rows], number))
            leaves = [torch.cat(side).requires_grad_() for side in zip(*computed, strict=True)]
            loss = self._loss(*leaves)
            loss.backward()
            for number, rows in enumerate(parts):
                vectors = self._vectors(images[rows], [captions[row] for row in rows], number)
                gradients = [leaf.grad[rows] for leaf in leaves if leaf.grad is not None]
                torch.autograd.backward(vectors, gradients)
        self._optimizer.step()
        return float(loss.detach())

    def _vectors(self, images: Tensor, captions: Sequence[str], part: int) -> tuple[Tensor, Tensor]:
        torch.manual_seed(self._seed(self.epochs, self._batch, part))
        precision = getattr(torch, self._settings.precision)
        with torch.autocast(self._towers.device.type, precision, enabled=precision is not torch.float32):
            vectors = self._towers.image_vectors(images), self._towers.caption_vectors(captions)
        return vectors[0].float(), vectors[1].float()

    def _loss(self, images: Tensor, texts: Tensor) -> Tensor:
        settings = self._settings
        cosines = images @ texts.T
        loss = dhn_nce(cosines / settings.temperature, settings.beta_image, settings.beta_text, settings.reduction)
        if not math.isfinite(float(loss.detach())):
            raise MedCLIPSegError(
                f"The loss in epoch {self.epochs + 1} is not a number; lower the learning rate. {self._folder} holds "
                "the best weights so far."
            )
        return loss

    def _end_epoch(self, done: Row) -> Generator[TuningProgress, None, None]:
        """Validate, keep the best weights, log, save."""
        top_1 = self._rows[-1]["top_1"]
        scores = yield from measure(self._towers, self._validation, self._settings.seed, "validation", top_1)
        self._rows.append({**self._row(scores), **done, "loss": self._loss_sum / done["steps"]})
        self._loss_sum = 0.0
        if self.best_epoch == self.epochs:
            self._keep(self._network)
        write_log(self._folder, self._rows)
        self.save_state()

    def _row(self, scores: RetrievalScores) -> Row:
        return {
            "epoch": float(self.epochs),
            "top_1": scores.top_1,
            "top_2": scores.top_2,
            "image_to_text_top_1": scores.image_to_text_top_1.mean,
            "text_to_image_top_1": scores.text_to_image_top_1.mean,
            "seconds": round(self.seconds, 1),
        }

    def _must_stop(self) -> bool:
        return self.epochs - self.best_epoch >= self._settings.patience

    def save_state(self, folder: Path | None = None) -> None:
        """Leave behind what a resumed run goes on from.

        Args:
            folder: to write to; None for that of the run.

        Raises:
            OSError: it cannot be written.
        """
        record: dict[str, Any] = {
            "epoch": self.epochs,
            "batch": self._batch,
            "loss_sum": self._loss_sum,
            "rows": self._rows,
            "seconds": self.seconds,
            "settings": dataclasses.asdict(self._settings),
        }
        save_state(folder or self._folder, self._network, None, self._optimizer, record)


def _merit(row: Row) -> tuple[float, float, float]:
    """Better retrieval first, of equal ones the earlier."""
    return row["top_1"], row["top_2"], -row["epoch"]


def measure(
    towers: TunedTowers, pairs: Sequence[Pair], seed: int, name: str, top_1: float | None = None
) -> Generator[TuningProgress, None, RetrievalScores]:
    """Retrieval on some pairs.

    Args:
        towers: as they are.
        pairs: at least one.
        seed: of the shuffles.
        name: of the pairs, for people.
        top_1: to be told with the progress.
    """
    started, parts = time.monotonic(), []
    count = 0
    for part in towers.vectors_in_steps(pairs, MEASURED_AT_ONCE):
        parts.append(part)
        count += len(part[0])
        yield progress_of("measuring", count, len(pairs), f"{name} pair", started, top_1)
    images, texts = (torch.cat(side) for side in zip(*parts, strict=True))
    return score_retrieval(images, texts, seed)
