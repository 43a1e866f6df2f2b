"""The models of runs: loaded when a run first needs them, kept for the next one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from ..clip_sam.methods import METHODS
from ..inference.request import Device
from ..model.catalog import find_model
from .preparing import Chain, PreparedRun, TrainedRun

if TYPE_CHECKING:
    from ..clip_sam.saliency import TextSaliency
    from ..inference.result import Event

Key = tuple[str, Any]


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
        from ..inference.threads import threads_for

        with threads_for(prepared.request.threads):
            if isinstance(prepared, TrainedRun):
                from ..inference.engine import run
                from ..model.library import load_model

                self._keep_only(("model", prepared.model))
                yield from run(self._get(("model", prepared.model), load_model), prepared.request, previews)
            else:
                from ..clip_sam.chain import run as run_chain
                from ..clip_sam.sam import load_segmenter

                chain, request = prepared.model, prepared.request
                self._keep_only(("towers", chain.towers), ("sam", chain.sam))
                saliency, settings = self.saliency(chain, request.device, request.seed)
                segmenter = None if chain.sam is None else self._get(("sam", chain.sam), load_segmenter)
                record = {"method": chain.method, "citation": METHODS[chain.method].citation, **settings}
                yield from run_chain(saliency, segmenter, request, record, previews)

    def saliency(self, chain: Chain, device: Device, seed: int) -> tuple[TextSaliency, dict[str, Any]]:
        """The saliency of a chain on its towers, and what there is to record of both.

        Args:
            chain: of the method.
            device: where to compute.
            seed: of the noise in M2IB.
        """
        from ..clip_sam.saliency import method_saliency
        from ..inference.clip_towers import load_towers
        from ..inference.device import choose_device
        from ..model.library import model_hash

        towers = self._get(("towers", chain.towers), load_towers)
        towers.to(choose_device(device))
        folder = find_model(chain.towers)
        saliency, settings = method_saliency(chain.method, towers, seed, chain.study, chain.sentences)
        return saliency, {"model": folder.resolve().name, "model_hash": model_hash(folder), **settings}

    def forget(self) -> None:
        """Give the memory back."""
        self._kept.clear()

    def _keep_only(self, *wanted: Key) -> None:
        self._kept = {key: model for key, model in self._kept.items() if key in wanted}

    def _get(self, key: Key, load: Callable[[Any], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = load(key[1])
        return self._kept[key]
