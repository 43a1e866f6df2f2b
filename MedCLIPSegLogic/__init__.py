"""MedCLIPSeg: segment medical images by typing what to look for.

What the command line does, Python does with functions of the same names::

    from MedCLIPSegLogic import segment
    result = segment("brain.nii.gz", "tumor in the brain MRI")
    result["tumor in the brain MRI"].mask
    result.save("result")

A run goes on in small steps, which yield progress and at last what the engine made; closing them cancels::

    from MedCLIPSegLogic import Models, RunChoices, prepare, read_volume, to_the_end
    steps = Models().events(prepare(read_volume("brain.nii.gz"), "tumor in the brain MRI", RunChoices(samples=10)))
    result = to_the_end(steps)

Importing the package loads neither torch nor Slicer; each function loads what it needs. Those that work on files, train
and evaluate come with the workbench, the package ``MedCLIPSegLab``, which is not part of the Slicer extension.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import MedCLIPSegError as MedCLIPSegError
from .version import __version__ as __version__

if TYPE_CHECKING:
    from MedCLIPSegLab.data.check_data import check_data as check_data
    from MedCLIPSegLab.evaluation.evaluate import evaluate as evaluate
    from MedCLIPSegLab.evaluation.evaluate import evaluate_sets as evaluate_sets
    from MedCLIPSegLab.evaluation.evaluate_masks import evaluate_masks as evaluate_masks
    from MedCLIPSegLab.evaluation.probe import probe as probe
    from MedCLIPSegLab.knowing.know import know as know
    from MedCLIPSegLab.models.commands import download_model as download_model
    from MedCLIPSegLab.models.commands import export_model as export_model
    from MedCLIPSegLab.models.commands import import_model as import_model
    from MedCLIPSegLab.models.commands import list_models as list_models
    from MedCLIPSegLab.models.commands import model_info as model_info
    from MedCLIPSegLab.models.commands import remove_model as remove_model
    from MedCLIPSegLab.models.commands import verify_model as verify_model
    from MedCLIPSegLab.models.prompts import check_prompt as check_prompt
    from MedCLIPSegLab.models.prompts import prompt as prompt
    from MedCLIPSegLab.models.prompts import prompt_choices as prompt_choices
    from MedCLIPSegLab.paper.paper_tables import paper_tables as paper_tables
    from MedCLIPSegLab.results.demo import demo as demo
    from MedCLIPSegLab.results.demo import demo_image as demo_image
    from MedCLIPSegLab.results.segmentation import Segment as Segment
    from MedCLIPSegLab.results.segmentation import Segmentation as Segmentation
    from MedCLIPSegLab.results.segmentation import Segmentations as Segmentations
    from MedCLIPSegLab.results.segmenting import segment as segment
    from MedCLIPSegLab.results.segmenting import zeroshot as zeroshot
    from MedCLIPSegLab.speed.measuring import speed as speed
    from MedCLIPSegLab.training.train import train as train
    from MedCLIPSegLab.tuning.clip_tune import clip_tune as clip_tune
    from MedCLIPSegLab.weak.learning import weak as weak

    from .inference.result import to_the_end as to_the_end
    from .runs.choices import RunChoices as RunChoices
    from .runs.models import Models as Models
    from .runs.preparing import prepare as prepare
    from .volumes.readers import read_volume as read_volume

_HOMES = {
    "Models": "MedCLIPSegLogic.runs.models",
    "RunChoices": "MedCLIPSegLogic.runs.choices",
    "Segment": "MedCLIPSegLab.results.segmentation",
    "Segmentation": "MedCLIPSegLab.results.segmentation",
    "Segmentations": "MedCLIPSegLab.results.segmentation",
    "check_data": "MedCLIPSegLab.data.check_data",
    "check_prompt": "MedCLIPSegLab.models.prompts",
    "clip_tune": "MedCLIPSegLab.tuning.clip_tune",
    "demo": "MedCLIPSegLab.results.demo",
    "demo_image": "MedCLIPSegLab.results.demo",
    "download_model": "MedCLIPSegLab.models.commands",
    "evaluate": "MedCLIPSegLab.evaluation.evaluate",
    "evaluate_masks": "MedCLIPSegLab.evaluation.evaluate_masks",
    "evaluate_sets": "MedCLIPSegLab.evaluation.evaluate",
    "export_model": "MedCLIPSegLab.models.commands",
    "import_model": "MedCLIPSegLab.models.commands",
    "know": "MedCLIPSegLab.knowing.know",
    "list_models": "MedCLIPSegLab.models.commands",
    "model_info": "MedCLIPSegLab.models.commands",
    "paper_tables": "MedCLIPSegLab.paper.paper_tables",
    "prepare": "MedCLIPSegLogic.runs.preparing",
    "probe": "MedCLIPSegLab.evaluation.probe",
    "prompt": "MedCLIPSegLab.models.prompts",
    "prompt_choices": "MedCLIPSegLab.models.prompts",
    "read_volume": "MedCLIPSegLogic.volumes.readers",
    "remove_model": "MedCLIPSegLab.models.commands",
    "segment": "MedCLIPSegLab.results.segmenting",
    "speed": "MedCLIPSegLab.speed.measuring",
    "to_the_end": "MedCLIPSegLogic.inference.result",
    "train": "MedCLIPSegLab.training.train",
    "verify_model": "MedCLIPSegLab.models.commands",
    "weak": "MedCLIPSegLab.weak.learning",
    "zeroshot": "MedCLIPSegLab.results.segmenting",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
