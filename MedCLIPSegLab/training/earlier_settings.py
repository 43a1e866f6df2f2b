"""Settings that earlier versions recorded and that are no options any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError

_WITHOUT_EFFECT: dict[str, Any] = {
    "samples": 1,
    "sample_loss": "each",
    "adapter_members": 1,
    "loss.variance": 0.0,
    "loss.energy": 0.0,
}
"""The values with which a run is what it is without them."""
_IGNORED = "loss.prior_variance"
"""Says nothing without a weight on it."""


def without_earlier_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded settings without those that are gone.

    Raises:
        MedCLIPSegError: one of them changed the training.
    """
    kept = {}
    for name, value in settings.items():
        if name == "loss" and isinstance(value, Mapping):
            parts = without_earlier_options({f"loss.{part}": weight for part, weight in value.items()})
            kept[name] = {part.removeprefix("loss."): weight for part, weight in parts.items()}
        elif name in _WITHOUT_EFFECT:
            if value != _WITHOUT_EFFECT[name]:
                raise MedCLIPSegError(
                    f"The setting {name} = {value!r} is no longer part of the product; leave it out, or finish a run "
                    "begun with it with the version that began it."
                )
        elif name != _IGNORED:
            kept[name] = value
    return kept
