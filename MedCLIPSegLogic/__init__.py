"""MedCLIPSeg: segment medical images by typing what to look for.

The functions of the command line are available under the same names, those of ``medclipseg models`` in
``workflows.models``::

    from MedCLIPSegLogic import segment
    segment("brain.nii.gz", "tumor in the brain MRI", "result")

Importing the package loads neither torch nor Slicer; each function loads what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import MedCLIPSegError
from .version import __version__

if TYPE_CHECKING:
    from .workflows.demo import demo
    from .workflows.evaluate import evaluate
    from .workflows.segment import segment
    from .workflows.train import train
    from .workflows.verify import verify

__all__ = ["MedCLIPSegError", "__version__", "demo", "evaluate", "segment", "train", "verify"]


def __getattr__(name: str) -> Any:
    if name in ("demo", "evaluate", "segment", "train", "verify"):
        return getattr(import_module(f".workflows.{name}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
