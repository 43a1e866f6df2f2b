"""A tuning from its pairs to the folder of the tuned backbone."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from MedCLIPSegLogic.checked import from_json
from MedCLIPSegLogic.inference.device import choose_device
from MedCLIPSegLogic.inference.threads import threads_for
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.zoo.installing import share_backbone

from .backbone_folder import keep_towers, make_folder
from .pairs import Pair
from .request import TUNING_RUN, TuningPairs, check_request
from .retrieval import RetrievalScores
from .settings import TuningSettings
from .tuned_towers import TunedTowers
from .tuner import Tuner, TuningProgress, measure, progress_of

Result = TypeVar("Result")
Progress = Callable[[TuningProgress], None]


@dataclass(frozen=True)
class TuningReport:
    """What a tuning came to.

    Args:
        folder: of the tuned backbone.
        epochs: done.
        best_epoch: whose weights were kept; 0 when no epoch was better than the start, whose weights they then are.
        before, after: retrieval by set of pairs, "validation" and, if given, "test"; "after" is that of the files.
    """

    folder: Path
    epochs: int
    best_epoch: int
    before: dict[str, RetrievalScores]
    after: dict[str, RetrievalScores]


def run_tuning(
    data: TuningPairs,
    folder: Path,
    settings: TuningSettings,
    source: Path,
    start_from: str | None,
    resume: bool,
    on_step: Callable[[TuningProgress], None] | None,
) -> TuningReport:
    """Tune, as :func:`.clip_tune.clip_tune` says.

    Args:
        data: to tune, validate and test on.
        folder: of the run.
        settings: how to tune.
        source: folder of the model to start from, or of the resumed run.
        start_from: ``source`` as it was named; None for a resumed run.
        resume: go on with the run in ``folder``.
        on_step: called after every step.

    Raises:
        MedCLIPSegError: unusable images, or ``folder`` in use.
        OSError: a file cannot be written.
    """
    with TUNING_RUN.claimed(folder) as scratch, threads_for(settings.threads) as threads:

        def progress(step: TuningProgress) -> None:
            threads.adjust()
            if on_step:
                on_step(step)

        check_request(folder, start_from, resume)
        towers = _towers(source, settings)
        if resume:
            record = TUNING_RUN.read(folder)
            TUNING_RUN.require_same(folder, record["data"], data.record())
        else:
            record = {
                "medclipseg": __version__,
                "torch": torch.__version__,
                "start_from": start_from,
                "finished": False,
                "loss": "DHN-NCE",
                "settings": dataclasses.asdict(settings),
                "data": data.record(),
                "retrieval": {},
            }
            _exhaust(_check(towers, [*data.training, *data.validation, *data.test]), progress)
        tuner = Tuner(towers, data.training, data.validation, settings, folder, lambda best: keep_towers(best, folder))
        if resume:
            tuner.resume()
        else:
            with TUNING_RUN.begun_whole(folder, scratch) as begun:
                make_folder(begun, source, towers.network, record, folder.resolve().name)
                tuner.save_state(begun)
        if not record["retrieval"]:
            record["retrieval"] = {"before": _measure(towers, data, settings, progress)}
            TUNING_RUN.write(folder, record)
        before = from_json(dict[str, RetrievalScores], record["retrieval"]["before"])
        _exhaust(tuner.run(before["validation"]), progress)
        share_backbone(folder)
        # Measured as anyone will load it.
        record["retrieval"]["after"] = _measure(_towers(folder, settings), data, settings, progress)
        after = from_json(dict[str, RetrievalScores], record["retrieval"]["after"])
        report = TuningReport(folder, tuner.epochs, tuner.best_epoch, before, after)
        record |= {
            "finished": True,
            "settings": dataclasses.asdict(settings),
            "seconds": round(tuner.seconds, 1),
            "epochs": report.epochs,
            "best_epoch": report.best_epoch,
        }
        TUNING_RUN.write(folder, record)
        return report


def _check(towers: TunedTowers, pairs: Sequence[Pair]) -> Generator[TuningProgress, None, None]:
    """Read every pair once, so that a damaged one is found before hours of tuning and not after."""
    started = time.monotonic()
    for number, pair in enumerate(pairs, start=1):
        towers.check(pair)
        yield progress_of("reading", number, len(pairs), "pair", started)


def _measure(towers: TunedTowers, data: TuningPairs, settings: TuningSettings, progress: Progress) -> dict[str, Any]:
    """Retrieval of the held-out pairs as JSON holds it."""
    sets = {"validation": data.validation, "test": data.test}
    return {
        role: dataclasses.asdict(_exhaust(measure(towers, pairs, settings.seed, role), progress))
        for role, pairs in sets.items()
        if pairs
    }


def _towers(folder: Path, settings: TuningSettings) -> TunedTowers:
    """Those of a model's folder, on the device of the settings."""
    network = load_to_train(folder)
    towers = TunedTowers(network, PromptTokenizer(network.config, folder))
    towers.to(choose_device(settings.device))
    return towers


def _exhaust(steps: Generator[TuningProgress, None, Result], progress: Progress) -> Result:
    """The result of some steps, each of which is told."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        progress(step)
