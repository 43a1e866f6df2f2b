"""The backbone that a tuning writes, and nothing half-written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from MedCLIPSegLogic.files.replacing import write_json
from MedCLIPSegLogic.model.catalog import CARD_FILE, OWN_BACKBONE_FILE, describe_model
from MedCLIPSegLogic.model.checkpoint import save_weights
from MedCLIPSegLogic.model.folder import file_hash, is_adapter, save_backbone_link, save_config
from MedCLIPSegLogic.model.network import MedCLIPSeg

from ..training.state import copy_vocabulary
from .request import TUNING_RUN


def make_folder(folder: Path, source: Path, network: MedCLIPSeg, record: dict[str, Any], title: str) -> None:
    """Write a backbone with the towers a run begins with, and the run's record.

    Args:
        folder: to write to.
        source: folder of the model the towers came from.
        network: that holds them.
        record: ready for JSON.
        title: of the backbone.

    Raises:
        OSError: a file cannot be written.
    """
    copy_vocabulary(source, folder)
    save_config(network.config, folder)
    start = describe_model(source)
    card = {
        "title": title,
        "purpose": f"A backbone: the towers of {start.title}, tuned on image-caption pairs.",
        "license": start.license,
    }
    write_json(folder / CARD_FILE, card)
    TUNING_RUN.write(folder, record)
    keep_towers(network, folder)


def keep_towers(network: MedCLIPSeg, folder: Path) -> None:
    """Write the towers as a backbone of the folder's own.

    Raises:
        OSError: a file cannot be written; earlier towers are kept.
    """
    towers = {name: tensor for name, tensor in network.state_dict().items() if not is_adapter(name)}
    save_weights(towers, folder / OWN_BACKBONE_FILE)
    save_backbone_link(file_hash(folder / OWN_BACKBONE_FILE), folder)
