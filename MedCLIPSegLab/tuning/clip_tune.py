"""Tune the two CLIP towers of a model on image-caption pairs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from MedCLIPSegLogic.checked import from_json
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.inference.device import choose_device
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.library import find_model
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.zoo.installing import share_backbone

from ..training.state import STATE_FILE
from .backbone_folder import TUNING_RUN, keep_towers, make_folder, whole_or_nothing
from .pairs import Pair, PairTable, read_pairs, split_pairs
from .retrieval import RetrievalScores
from .settings import TuningSettings
from .tuned_towers import TunedTowers
from .tuner import Tuner, TuningProgress, measure, progress_of

DEFAULT_START = "biomedclip"
Result = TypeVar("Result")
Progress = Callable[[TuningProgress], None] | None


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


@dataclass(frozen=True)
class _Pairs:
    training: list[Pair]
    validation: list[Pair]
    test: list[Pair]
    tables: dict[str, PairTable]

    def record(self) -> dict[str, Any]:
        return {
            "tables": {
                role: {"file": t.path.name, "sha256": t.sha256, "pairs": len(t.pairs), "dropped": t.dropped}
                for role, t in self.tables.items()
            },
            "training": len(self.training),
            "validation": len(self.validation),
            "test": len(self.test),
        }


def clip_tune(
    pairs: str | Path,
    out: str | Path,
    settings: TuningSettings | None = None,
    start_from: str | Path | None = None,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    images: str | Path | None = None,
    resume: bool = False,
    progress: Progress = None,
) -> TuningReport:
    """Tune both towers with DHN-NCE and write a backbone's folder, which other commands take as a model.

    Args:
        pairs: table with the columns ``filename`` and ``Caption``.
        out: folder to write; also holds log, record and what is needed to resume.
        settings: how to tune; None for the published ones, or those of the resumed run.
        start_from: name or folder of a model or backbone, of which only the towers are taken; None for BiomedCLIP.
        validation: table of pairs to validate on; None keeps a share of ``pairs`` for it.
        test: table of pairs that choose nothing, for an unbiased retrieval before and after.
        images: folder the file names start from; None for that of each table.
        resume: go on with the interrupted run in ``out``, of the same tables.
        progress: called after every step.

    Raises:
        MedCLIPSegError: unusable tables, images or settings, ``out`` in use, nothing to resume, or a full disk.
    """
    folder = Path(out)
    with write_failures_in_words():
        _check_request(folder, start_from, resume)
        settings = settings or tuning_settings(folder if resume else None)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        tables = {"pairs": pairs, "validation": validation, "test": test}
        data = _read(tables, None if images is None else Path(images), settings)
        source = folder if resume else find_model(start_from or DEFAULT_START)
        towers = _towers(source, settings)
        if resume:
            record = TUNING_RUN.read(folder)
            TUNING_RUN.require_same(folder, record["data"], data.record())
        else:
            record = {
                "medclipseg": __version__,
                "torch": torch.__version__,
                "start_from": str(start_from or DEFAULT_START),
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
            with whole_or_nothing(folder):
                make_folder(folder, source, towers.network, record)
                tuner.save_state()
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


def tuning_settings(resumed: Path | None, changes: Mapping[str, Any] | None = None) -> TuningSettings:
    """The published settings, or those of the run that is resumed, with some replaced.

    Args:
        resumed: folder of the run to resume; None for a new run.
        changes: fields of the settings.

    Raises:
        MedCLIPSegError: there is no readable record, or a setting is out of range.
    """
    begun = {} if resumed is None else TUNING_RUN.read(resumed)["settings"]
    return TuningSettings().changed(begun).changed(changes or {})


def _check_request(folder: Path, start_from: str | Path | None, resume: bool) -> None:
    if resume and not (folder / STATE_FILE).is_file():
        raise MedCLIPSegError(f"There is no interrupted tuning in {folder}: it has no {STATE_FILE}.")
    if resume and start_from is not None:
        raise MedCLIPSegError("A resumed tuning goes on from its own weights; leave out --start-from.")
    if not resume:
        TUNING_RUN.require_new(folder)


def _read(tables: Mapping[str, str | Path | None], images: Path | None, settings: TuningSettings) -> _Pairs:
    read = {
        role: read_pairs(Path(path), images, settings.min_caption) for role, path in tables.items() if path is not None
    }
    training = list(read["pairs"].pairs)
    if "validation" in read:
        validation = list(read["validation"].pairs)
    else:
        training, validation = split_pairs(training, settings.validation_share, settings.seed)
    test = list(read["test"].pairs) if "test" in read else []
    _check_apart({"tune on": training, "validate on": validation, "test on": test})
    if len(training) < 2:
        raise MedCLIPSegError(f"The table {read['pairs'].path} has fewer than 2 pairs to tune on.")
    return _Pairs(training, validation, test, read)


def _check_apart(parts: Mapping[str, Sequence[Pair]]) -> None:
    """Refuse an image with two uses: what was tuned on says nothing, and what chose the epoch too much."""
    uses: dict[Path, str] = {}
    for use, pairs in parts.items():
        for pair in pairs:
            other = uses.setdefault(pair.image.resolve(), use)
            if other != use:
                raise MedCLIPSegError(
                    f"{pair.place} has an image to {use} that is also one to {other}, {pair.image}; take it out of one "
                    "of the tables."
                )


def _check(towers: TunedTowers, pairs: Sequence[Pair]) -> Generator[TuningProgress, None, None]:
    """Read every pair once, so that a damaged one is found before hours of tuning and not after."""
    started = time.monotonic()
    for number, pair in enumerate(pairs, start=1):
        towers.check(pair)
        yield progress_of("reading", number, len(pairs), "pair", started)


def _measure(towers: TunedTowers, data: _Pairs, settings: TuningSettings, progress: Progress) -> dict[str, Any]:
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
        if progress:
            progress(step)
