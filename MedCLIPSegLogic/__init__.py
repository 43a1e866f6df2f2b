"""MedCLIPSeg: segment medical images by typing what to look for.

What the command line does, Python does with functions; those of ``medclipseg models`` are in ``workflows.models``::

    from MedCLIPSegLogic import segment
    segment("brain.nii.gz", "tumor in the brain MRI", "result")

Importing the package loads neither torch nor Slicer; each function loads what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import MedCLIPSegError
from .version import __version__

if TYPE_CHECKING:
    from .workflows.bench import bench
    from .workflows.benchmark import benchmark
    from .workflows.check_data import check_data
    from .workflows.demo import demo
    from .workflows.evaluate import evaluate, evaluate_sets
    from .workflows.segment import segment
    from .workflows.train import train
    from .workflows.verify import verify
    from .workflows.zeroshot import zeroshot

__all__ = [
    "MedCLIPSegError",
    "__version__",
    "bench",
    "benchmark",
    "check_data",
    "demo",
    "evaluate",
    "evaluate_sets",
    "segment",
    "train",
    "verify",
    "zeroshot",
]

_MODULE_OF = {"evaluate_sets": "evaluate"}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f".workflows.{_MODULE_OF.get(name, name)}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
