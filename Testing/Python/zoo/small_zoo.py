"""A published model of a small flavor, as the list of models would have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants
from loopback_hub import LoopbackHub
from published_files import save_published, small_network, write_vocabulary

from MedCLIPSegLogic.model.manifest import HubFile, ZooEntry

CHECKPOINT = HubFile("someone/models", "BUSI/latest.pth", "CC BY-NC 4.0")
VOCABULARY = HubFile("someone/bert", "vocab.txt", "MIT")
ENTRY = ZooEntry(
    name="busi",
    kind="model",
    flavor="unimedclip",
    title="Breast tumors in breast ultrasound (BUSI)",
    task="Breast tumors",
    modality="breast ultrasound",
    training_set="BUSI",
    training_share=100,
    published_dice=None,
    values=40_000,
    file=CHECKPOINT,
    vocabulary=VOCABULARY,
    commercial_use=False,
    citation="",
)


def use(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands and panel take a hub for the one in ``HF_ENDPOINT``."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def publish(hub: LoopbackHub, folder: Path) -> bytes:
    """Put the model on a hub; the bytes of its checkpoint."""
    content = save_published(small_network("unimedclip"), folder / "latest.pth").read_bytes()
    vocabulary = write_vocabulary(folder)
    hub.bodies = {CHECKPOINT.key: content, VOCABULARY.key: vocabulary.read_bytes()}
    hub.small = {VOCABULARY.key}
    vocabulary.unlink()
    return content
