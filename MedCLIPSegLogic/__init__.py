"""MedCLIPSeg: segment medical images by typing what to look for.

What the command line does, Python does with functions::

    from MedCLIPSegLogic import segment
    segment("brain.nii.gz", "tumor in the brain MRI", "result")

Importing the package loads neither torch nor Slicer; each function loads what it needs. Those that work on files, train
and evaluate come with the workbench, the package ``MedCLIPSegLab``, which is not part of the Slicer extension.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import MedCLIPSegError
from .version import __version__

if TYPE_CHECKING:
    from MedCLIPSegLab.data.check_data import check_data
    from MedCLIPSegLab.evaluation.evaluate import evaluate, evaluate_sets
    from MedCLIPSegLab.evaluation.evaluate_masks import evaluate_masks
    from MedCLIPSegLab.evaluation.probe import probe
    from MedCLIPSegLab.paper.benchmark import benchmark
    from MedCLIPSegLab.results.demo import demo
    from MedCLIPSegLab.results.segmenting import segment, zeroshot
    from MedCLIPSegLab.speed.bench import bench
    from MedCLIPSegLab.training.train import train
    from MedCLIPSegLab.tuning.clip_tune import clip_tune
    from MedCLIPSegLab.verify import verify
    from MedCLIPSegLab.weak.learning import weak

_HOMES = {
    "bench": "MedCLIPSegLab.speed.bench",
    "benchmark": "MedCLIPSegLab.paper.benchmark",
    "check_data": "MedCLIPSegLab.data.check_data",
    "clip_tune": "MedCLIPSegLab.tuning.clip_tune",
    "demo": "MedCLIPSegLab.results.demo",
    "evaluate": "MedCLIPSegLab.evaluation.evaluate",
    "evaluate_masks": "MedCLIPSegLab.evaluation.evaluate_masks",
    "evaluate_sets": "MedCLIPSegLab.evaluation.evaluate",
    "probe": "MedCLIPSegLab.evaluation.probe",
    "segment": "MedCLIPSegLab.results.segmenting",
    "train": "MedCLIPSegLab.training.train",
    "verify": "MedCLIPSegLab.verify",
    "weak": "MedCLIPSegLab.weak.learning",
    "zeroshot": "MedCLIPSegLab.results.segmenting",
}

__all__ = [
    "MedCLIPSegError",
    "__version__",
    "bench",
    "benchmark",
    "check_data",
    "clip_tune",
    "demo",
    "evaluate",
    "evaluate_masks",
    "evaluate_sets",
    "probe",
    "segment",
    "train",
    "verify",
    "weak",
    "zeroshot",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
