"""What the first run and the first export import on the main thread, in slices before they are asked for."""

import importlib
from collections.abc import Callable, Iterable, Iterator

from MedCLIPSegLib.widgets import turnTimer

MODULES = (
    "pydantic_core.core_schema",
    "pydantic.errors",
    "pydantic.fields",
    "pydantic.types",
    "pydantic.main",
    "MedCLIPSegLogic.knowledge.known",
    "MedCLIPSegLogic.model.folder",
    "MedCLIPSegLogic.inference.request",
    "MedCLIPSegLogic.inference.plane_choice",
    "MedCLIPSegLogic.runs.choices",
    "MedCLIPSegLogic.runs.preparing",
    "MedCLIPSegLogic.scene.run_preview",
    "MedCLIPSegLogic.scene.result_writer",
    "MedCLIPSegLogic.scene.export_set",
)
"""In the order in which they need each other, so that none takes long; PyTorch, which takes seconds, is not here."""


class ImportsAhead:
    """Imports one module at every turn of the event loop.

    Args:
        mayImport: asked at every turn. While PyTorch's library is being loaded, the import of any other library would
            wait for it.
        modules: in their order.
        ended: called when all are there.
    """

    def __init__(
        self,
        mayImport: Callable[[], bool],
        modules: Iterable[str] = MODULES,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._mayImport, self._ended = mayImport, ended
        self._left: Iterator[str] = iter(modules)
        self._timer = turnTimer(self._importNext)

    def start(self) -> None:
        """Import what is left."""
        self._timer.start()

    def stop(self) -> None:
        """Import nothing more until the next start."""
        self._timer.stop()

    def _importNext(self) -> None:
        if not self._mayImport():
            return
        name = next(self._left, None)
        if name is None:
            self.stop()
            self._ended()
            return
        try:
            importlib.import_module(name)
        except ImportError:  # before the first run, packages may be missing; who needs the module says so
            self.stop()
