"""Grey values to 8 bits by a rule that is chosen openly and recorded with the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from .volume import Volume

CT_PRESETS: dict[str, tuple[float, float]] = {
    "lung": (1500.0, -600.0),
    "soft-tissue": (400.0, 40.0),
    "bone": (1800.0, 400.0),
    "brain": (80.0, 40.0),
}
"""Width and level in HU."""


@dataclass(frozen=True)
class IntensityRule:
    """How the darkest and the brightest grey value are found; made by the functions of this module.

    Args:
        kind: the rule's name in records.
        ends: grey values shown as 0 and 255; percentages (0…100) of the voxels for the rule "percentile".
        parameters: what the user chose, ready for JSON.
    """

    kind: Literal["percentile", "window", "preset", "as-stored"]
    ends: tuple[float, float]
    parameters: dict[str, float | str] = field(default_factory=dict, hash=False)


def percentile(low: float = 0.5, high: float = 99.5) -> IntensityRule:
    """Rule between two percentiles, 0 ≤ low < high ≤ 100, of the finite voxels of the whole volume.

    Raises:
        MedCLIPSegError: percentiles out of order or range.
    """
    if not 0 <= low < high <= 100:
        raise MedCLIPSegError(f"The percentiles {low:g} and {high:g} must rise and lie within 0 to 100.")
    return IntensityRule("percentile", (low, high), {"low_percentile": low, "high_percentile": high})


def window(width: float, level: float) -> IntensityRule:
    """Rule of a display window of the given width around the level, in the units of the image (HU for CT).

    Raises:
        MedCLIPSegError: the width is not positive, or a number is not finite.
    """
    if not (isfinite(width) and isfinite(level) and width > 0):
        raise MedCLIPSegError(
            f"The window of width {width:g} and level {level:g} cannot be used; give a width greater than 0."
        )
    return IntensityRule("window", (level - width / 2, level + width / 2), {"width": width, "level": level})


def preset(name: str) -> IntensityRule:
    """Rule of a usual CT window: "lung", "soft-tissue", "bone" or "brain".

    Raises:
        MedCLIPSegError: unknown name.
    """
    if name not in CT_PRESETS:
        raise MedCLIPSegError(f'There is no CT window "{name}"; choose one of {", ".join(CT_PRESETS)}.')
    width, level = CT_PRESETS[name]
    return IntensityRule("preset", window(width, level).ends, {"preset": name, "width": width, "level": level})


def as_stored() -> IntensityRule:
    """Rule that keeps 8-bit values; other values are rounded and clipped to 0…255."""
    return IntensityRule("as-stored", (0.0, 255.0))


def default_rule(volume: Volume) -> IntensityRule:
    """As stored for 8-bit grey and color images, percentiles 0.5 to 99.5 for all others."""
    return as_stored() if volume.voxels.dtype == np.uint8 else percentile()


@dataclass(frozen=True)
class IntensityMapping:
    """A rule applied to one volume, so that all its slices are treated alike.

    Args:
        rule: the rule.
        low: grey value shown as 0.
        high: grey value shown as 255; equal to ``low`` if the volume is constant, which is shown as 0.
        minimum: smallest finite voxel, put in place of values that are not finite.
        non_finite_voxels: number of NaN and infinite voxels.
    """

    rule: IntensityRule
    low: float
    high: float
    minimum: float
    non_finite_voxels: int

    def apply(self, array: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Map grey values to 0…255, rounding half up.

        Args:
            array: of any shape; use single slices, since the calculation takes 8 bytes for each value.

        Returns:
            uint8 of the same shape.
        """
        if self.rule.kind == "as-stored" and array.dtype == np.uint8:
            return array.astype(np.uint8)
        if self.high <= self.low:
            return np.zeros(array.shape, dtype=np.uint8)
        values = array.astype(np.float64)
        values[~np.isfinite(values)] = self.minimum
        # Clipping first keeps the product finite for any input.
        np.clip(values, self.low, self.high, out=values)
        values -= self.low
        values *= 255.0
        values /= self.high - self.low
        values += 0.5
        return np.floor(values, out=values).astype(np.uint8)

    def record(self) -> dict[str, Any]:
        """The rule and its numbers, ready for JSON."""
        return {
            "rule": self.rule.kind,
            "parameters": dict(self.rule.parameters),
            "low": self.low,
            "high": self.high,
            "non_finite_voxels": self.non_finite_voxels,
        }


def resolve(rule: IntensityRule, volume: Volume) -> IntensityMapping:
    """Find the grey values of a rule once for the whole volume.

    Args:
        rule: the rule. Where both percentiles fall on one value, the minimum and maximum are used instead.
        volume: the image.

    Returns:
        The mapping for the slices of this volume.

    Raises:
        MedCLIPSegError: a rule other than ``as_stored`` for a color image.
    """
    if volume.is_color and rule.kind != "as-stored":
        raise MedCLIPSegError(
            f"{volume.name} is a color image, to which no window or percentile applies; choose as stored."
        )
    values = _finite(volume.voxels)
    non_finite = volume.voxels.size - values.size
    if not values.size:
        return IntensityMapping(rule, 0.0, 0.0, 0.0, non_finite)
    minimum = float(values.min())
    low, high = rule.ends
    if rule.kind == "percentile":
        low, high = (float(end) for end in np.percentile(values, rule.ends))
        if low == high:
            low, high = minimum, float(values.max())
    return IntensityMapping(rule, low, high, minimum, non_finite)


def _finite(voxels: NDArray[Any]) -> NDArray[Any]:
    """The finite voxels in a type that percentiles accept, copied only where needed."""
    if voxels.dtype == np.bool_:
        return voxels.view(np.uint8)
    if voxels.dtype.kind != "f":
        return voxels
    wide = voxels.astype(np.float32) if voxels.dtype == np.float16 else voxels
    finite = np.isfinite(wide)
    return wide if finite.all() else wide[finite]
