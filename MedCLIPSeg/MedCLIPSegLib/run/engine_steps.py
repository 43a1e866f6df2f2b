"""The engine's work of one order, on the worker's thread."""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.run.run_order import RunOrder
from MedCLIPSegLib.run.zero_shot_run import ZeroShotSteps
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.model.library import LoadedModel


class EngineSteps:
    """Loads the model when it is first needed and runs it; keeps the last model for the next run."""

    def __init__(self) -> None:
        self._model: LoadedModel | None = None
        self._modelName = ""
        self._zeroShot = ZeroShotSteps()
        # Translating asks Qt, which is for the main thread alone; hence here.
        self._brokenTorch = _(
            "PyTorch is installed but does not start ({reason}). Uninstall and reinstall it in the PyTorch Utils "
            "module, then restart Slicer."
        )

    def __call__(self, order: RunOrder) -> Iterator[Any]:
        """Yield the engine's events: previews, progress, then the result."""
        self._startTorch()
        if order.zeroShot is not None:
            self._model = None  # two models need not share the memory
            yield from self._zeroShot(order.zeroShot, order.request)
            return
        from MedCLIPSegLogic.inference.engine import run
        from MedCLIPSegLogic.model.library import load_model

        if self._model is None or self._modelName != order.model:
            self._model = None
            self._zeroShot.forget()
            self._model, self._modelName = load_model(order.model), order.model
        yield from run(self._model, order.request, previews=True)

    def _startTorch(self) -> None:
        try:
            importlib.import_module("torch")
        except Exception as error:  # a half-broken installation raises OSError, RuntimeError and others
            raise MedCLIPSegError(self._brokenTorch.format(reason=error)) from error
