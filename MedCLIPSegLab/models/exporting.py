"""Installed and trained models go out again: to the published layout, or into one archive."""

from __future__ import annotations

from pathlib import Path

import torch

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import replacing
from MedCLIPSegLogic.model.catalog import describe_model
from MedCLIPSegLogic.model.checkpoint import read_config, read_state
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.zoo.archive import pack

LAYOUTS = (".pth", ".zip")


def export(folder: Path, file: Path, overwrite: bool = False) -> None:
    """Write a model to a file.

    ``.pth`` is the published layout: a dict with the state dict in float32 under ``model``, equal bit for bit to the
    checkpoint a model in float32 was imported from. ``.zip`` holds the model folder with its backbone.

    Args:
        folder: model folder.
        file: to write; its ending chooses the layout.
        overwrite: replace an existing file.

    Raises:
        MedCLIPSegError: other ending, existing file, no published layout, or a place that cannot be written.
    """
    if file.suffix not in LAYOUTS:
        raise MedCLIPSegError(f"{file.name} should end in .pth (published layout) or .zip (model with all its files).")
    if file.exists() and not overwrite:
        raise MedCLIPSegError(f"The file {file} exists already; use --overwrite or another name.")
    if not file.absolute().parent.is_dir():
        raise MedCLIPSegError(f"There is no folder {file.absolute().parent}.")
    try:
        if file.suffix == ".zip":
            if describe_model(folder).kind != "sam":
                read_config(folder)
            pack(folder, file)
        else:
            _save_published(folder, file)
    except OSError as error:
        raise MedCLIPSegError(f"{file} cannot be written: {error.strerror or error}.") from None


def _save_published(folder: Path, file: Path) -> None:
    flavor = read_config(folder).flavor
    if flavor not in FLAVORS:
        raise MedCLIPSegError(f"A model of the flavor '{flavor}' has no published layout; export it as a .zip file.")
    state = read_state(folder)
    try:
        with replacing(file) as temporary:
            torch.save({"model": state}, temporary)
    except RuntimeError as error:  # how torch reports a full disk
        raise MedCLIPSegError(f"{file} cannot be written: {str(error).splitlines()[0]}") from None
