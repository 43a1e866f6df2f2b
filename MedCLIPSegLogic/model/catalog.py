"""What is known of a model without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

BUNDLED_MODELS = Path(__file__).parent.parent / "Resources" / "Models"
CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class ModelDescription:
    """A model for people.

    Args:
        name: what `load_model` takes: a bundled model's name or a folder.
        title: short, for lists.
        purpose: what it was trained for; empty when nobody says.
        license: of the weights; empty when nobody says.
        size_bytes: of all files; 0 when it isn't there.
        is_on_disk: weights and configuration are there.
        folder: where they are or would be.
    """

    name: str
    title: str
    purpose: str
    license: str
    size_bytes: int
    is_on_disk: bool
    folder: str


def bundled_models() -> list[str]:
    """Names of the models that come with the extension."""
    return sorted(path.parent.name for path in BUNDLED_MODELS.glob(f"*/{WEIGHTS_FILE}"))


def describe_model(name: str) -> ModelDescription:
    """Describe a bundled model or a model folder from its card, ``model.json``; never fails.

    Args:
        name: a bundled model's name or a folder. What a damaged card says is left out.
    """
    folder = BUNDLED_MODELS / name if name in bundled_models() else Path(name)
    card = _card(folder / CARD_FILE)
    is_on_disk = (folder / WEIGHTS_FILE).is_file() and (folder / CONFIG_FILE).is_file()
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if is_on_disk else 0
    return ModelDescription(
        name,
        card.get("title") or folder.name,
        card.get("purpose", ""),
        card.get("license", ""),
        size,
        is_on_disk,
        str(folder),
    )


def _card(path: Path) -> dict[str, str]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(card, dict):
        return {}
    return {key: value for key, value in card.items() if isinstance(value, str)}
