"""The engine's work of a run without training data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from MedCLIPSegLib.run.zero_shot_order import ZeroShotModels

if TYPE_CHECKING:
    from MedCLIPSegLogic.clip_sam.request import ZeroShotRequest
    from MedCLIPSegLogic.clip_sam.sam import Segmenter
    from MedCLIPSegLogic.clip_sam.towers import ClipTowers


class ZeroShotSteps:
    """Loads towers and SAM when they are first needed and runs them; keeps the last ones for the next run."""

    def __init__(self) -> None:
        self._towers: tuple[ClipTowers, dict[str, Any]] | None = None
        self._segmenter: Segmenter | None = None
        self._loaded: tuple[Any, ...] = ()

    def __call__(self, models: ZeroShotModels, request: "ZeroShotRequest") -> Iterator[Any]:
        """Yield the engine's events: previews, progress, then the result."""
        from MedCLIPSegLogic.clip_sam.choices import choose_segmenter, load_method_towers, method_saliency
        from MedCLIPSegLogic.clip_sam.engine import run
        from MedCLIPSegLogic.clip_sam.methods import METHODS

        method = METHODS[models.method]
        wanted = (models.towers, models.sam, request.device)
        if self._towers is None or self._loaded != wanted:
            self.forget()
            self._towers = load_method_towers(models.towers, request.device)
            self._segmenter = choose_segmenter(models.sam, method)
            self._loaded = wanted
        towers, used = self._towers
        saliency, settings = method_saliency(method, towers, request.seed, models.study, models.sentences)
        record = {"method": models.method, "citation": method.citation, **used, **settings}
        yield from run(saliency, self._segmenter, request, record, previews=True)

    def forget(self) -> None:
        """Give the memory back."""
        self._towers, self._segmenter, self._loaded = None, None, ()
