"""The weights a run leaves behind: the model itself, and the others of average, latest and best."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from MedCLIPSegLogic.model.catalog import BYTE_PAIRS_FILE, VOCABULARY_FILE
from MedCLIPSegLogic.model.checkpoint import save_adapter, save_checkpoint
from MedCLIPSegLogic.model.network import MedCLIPSeg

Kind = Literal["average", "latest", "best"]


def save_kept_weights(
    folder: Path, keep: Kind, latest: MedCLIPSeg, average: MedCLIPSeg | None, is_best: bool, backbone: str | None
) -> None:
    """Write the model folder and, as folders of the same form inside it, the weights that are not kept.

    Args:
        folder: of the run.
        keep: kind that becomes the model.
        latest: weights of the last step.
        average: running average; None when there is none.
        is_best: the validation just done is the best so far, or there is none.
        backbone: SHA-256 of the shared backbone of frozen towers; None writes all weights.

    Raises:
        OSError: a file cannot be written; earlier weights are kept.
    """
    networks: dict[Kind, MedCLIPSeg] = {"latest": latest}
    if average is not None:
        networks["average"] = average
    if is_best:
        networks["best"] = average if average is not None else latest
    for kind, network in networks.items():
        target = folder if kind == keep else folder / kind
        if target != folder:
            target.mkdir(exist_ok=True)
            copy_vocabulary(folder, target)
        if backbone is None:
            save_checkpoint(network, target, half=True)
        else:
            save_adapter(network, target, backbone, half=True)


def copy_vocabulary(source: Path, target: Path) -> None:
    """Copy the tokenizer's files of a model folder."""
    for name in (VOCABULARY_FILE, BYTE_PAIRS_FILE):
        if (source / name).is_file():
            (target / name).write_bytes((source / name).read_bytes())
