"""What is known of a model without loading it: nothing here imports torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import MedCLIPSegError

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
        purpose: what it was trained for, one or more sentences; empty when nobody says.
        license: of the weights; empty when nobody says.
        size_bytes: of the weights; 0 when they aren't there.
        on_disk: weights and configuration are there.
        folder: where they are or would be.
    """

    name: str
    title: str
    purpose: str
    license: str
    size_bytes: int
    on_disk: bool
    folder: Path


def bundled_models() -> list[str]:
    """Names of the models that come with the extension."""
    return sorted(path.parent.name for path in BUNDLED_MODELS.glob(f"*/{WEIGHTS_FILE}"))


def describe_model(name_or_folder: str | Path) -> ModelDescription:
    """Describe a bundled model or a model folder; never fails.

    Title, purpose and license come from an optional card in the folder, ``model.json``: an object of texts under these
    names. What a damaged card says is left out.

    Args:
        name_or_folder: a bundled model's name or a folder, which need not exist.
    """
    name = str(name_or_folder)
    folder = BUNDLED_MODELS / name if name in bundled_models() else Path(name)
    card = _card(folder)
    weights, config = _size(folder / WEIGHTS_FILE), _size(folder / CONFIG_FILE)
    return ModelDescription(
        name,
        card.get("title") or folder.name or name,
        card.get("purpose", ""),
        card.get("license", ""),
        weights or 0,
        weights is not None and config is not None,
        folder,
    )


def require_model_folder(folder: Path) -> ModelDescription:
    """Describe a model folder that someone chose.

    Raises:
        MedCLIPSegError: weights or configuration are missing.
    """
    missing = [name for name in (CONFIG_FILE, WEIGHTS_FILE) if _size(folder / name) is None]
    if missing:
        raise MedCLIPSegError(
            f"The folder {folder} is not a model folder, as it has no {' and no '.join(missing)}; choose the folder "
            f"that holds {CONFIG_FILE} and {WEIGHTS_FILE}."
        )
    return describe_model(folder)


def _size(path: Path) -> int | None:
    """Bytes of a file; None when there is none that can be seen."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:  # a drive that is gone, a name no file system takes
        return None


def _card(folder: Path) -> dict[str, str]:
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(card, dict):
        return {}
    return {key: " ".join(value.split()) for key, value in card.items() if isinstance(value, str)}
