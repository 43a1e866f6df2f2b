"""The weights a run leaves behind: the model itself, and the others of average, latest and best."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..model.checkpoint import save_checkpoint
from ..model.network import MedCLIPSeg
from ..model.tokenizer import VOCABULARY_FILE

Kind = Literal["average", "latest", "best"]


def save_weights(folder: Path, keep: Kind, latest: MedCLIPSeg, average: MedCLIPSeg | None, is_best: bool) -> None:
    """Write the model folder and, as folders of the same form inside it, the weights that are not kept.

    Args:
        folder: of the run.
        keep: kind that becomes the model.
        latest: weights of the last step.
        average: running average; None when there is none.
        is_best: the validation just done is the best so far, or the first.

    Raises:
        MedCLIPSegError: a file cannot be written; earlier weights are kept.
    """
    networks: dict[Kind, MedCLIPSeg] = {"latest": latest}
    if average is not None:
        networks["average"] = average
    if is_best:
        networks["best"] = average if average is not None else latest
    for kind, network in networks.items():
        target = folder if kind == keep else folder / kind
        target.mkdir(exist_ok=True)
        vocabulary = folder / VOCABULARY_FILE
        if target != folder and vocabulary.is_file():
            (target / VOCABULARY_FILE).write_bytes(vocabulary.read_bytes())
        save_checkpoint(network, target, half=True)
