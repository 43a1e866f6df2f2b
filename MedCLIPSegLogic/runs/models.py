"""The models of runs: loaded when a run first needs them, kept for the next one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clip_sam.chain_request import ZeroShotRequest
from ..clip_sam.methods import METHODS
from ..inference.request import SegmentationRequest
from .preparing import Chain, PreparedRun

if TYPE_CHECKING:
    from ..clip_sam.saliency import TextSaliency
    from ..inference.result import Event

Key = tuple[str, str | Path]


class Models:
    """Runs what is prepared. The models of the last run stay in memory; those of another kind of run give way."""

    def __init__(self) -> None:
        self._kept: dict[Key, Any] = {}

    def events(self, prepared: PreparedRun, previews: bool = False) -> Generator[Event, None, None]:
        """Load what is missing and segment, in small steps; closing the generator cancels.

        Args:
            prepared: what to do.
            previews: also yield what is known of a slice so far.

        Yields:
            Progress, previews if wanted, and the result at the end.

        Raises:
            MedCLIPSegError: a model is damaged, or the run does not fit the machine.
        """
        request, model = prepared.request, prepared.model
        if isinstance(request, ZeroShotRequest) and isinstance(model, Chain):
            from ..clip_sam.chain import run as run_chain
            from ..clip_sam.sam import load_segmenter

            saliency, settings = self.saliency(model, request)
            segmenter = None if model.sam is None else self._get(("sam", model.sam), load_segmenter)
            record = {"method": model.method, "citation": METHODS[model.method].citation, **settings}
            yield from run_chain(saliency, segmenter, request, record, previews)
        elif isinstance(request, SegmentationRequest) and not isinstance(model, Chain):
            from ..inference.engine import run
            from ..model.library import load_model

            self._keep_only(("model", model))
            yield from run(self._get(("model", model), load_model), request, previews)

    def saliency(self, chain: Chain, request: ZeroShotRequest) -> tuple[TextSaliency, dict[str, Any]]:
        """The saliency of a method, its towers loaded, and what there is to record of both.

        Args:
            chain: what the method runs on.
            request: what to do.
        """
        from ..clip_sam.saliency import method_saliency
        from ..clip_sam.towers import load_towers
        from ..inference.device import choose_device
        from ..model.catalog import find_model
        from ..model.library import model_hash

        self._keep_only(("towers", chain.towers), ("sam", chain.sam or ""))
        towers = self._get(("towers", chain.towers), load_towers)
        towers.to(choose_device(request.device))
        folder = find_model(chain.towers)
        used = {"model": folder.resolve().name, "model_hash": model_hash(folder)}
        saliency, settings = method_saliency(chain.method, towers, request.seed, chain.study, chain.sentences)
        return saliency, {**used, **settings}

    def forget(self) -> None:
        """Give the memory back."""
        self._kept.clear()

    def _keep_only(self, *wanted: Key) -> None:
        self._kept = {key: model for key, model in self._kept.items() if key in wanted}

    def _get(self, key: Key, load: Callable[[str | Path], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = load(key[1])
        return self._kept[key]
