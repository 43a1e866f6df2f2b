"""Model folders of networks made in a test."""

from __future__ import annotations

from pathlib import Path

from MedCLIPSegLogic.model.catalog import WEIGHTS_FILE
from MedCLIPSegLogic.model.checkpoint import save_weights
from MedCLIPSegLogic.model.folder import save_config
from MedCLIPSegLogic.model.network import MedCLIPSeg


def save_checkpoint(network: MedCLIPSeg, folder: Path, half: bool = False) -> None:
    """Write weights and configuration, in float16 if asked, into an existing folder."""
    save_weights(network.state_dict(), folder / WEIGHTS_FILE, half)
    save_config(network.config, folder)
