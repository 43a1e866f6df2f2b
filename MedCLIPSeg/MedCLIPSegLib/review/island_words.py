"""What was removed from a segment because it lay in islands that are not kept, in words."""

from slicer.i18n import tr as _


def removedText(count: int, voxels: int, measure: tuple[float, str]) -> str:
    """How many islands were removed, and how much that is; empty for none.

    Args:
        count: of islands.
        voxels: of all of them.
        measure: size of a voxel and its unit, see ``Volume.voxel_measure``.
    """
    if not count:
        return ""
    text = _("1 island was removed: {size}.") if count == 1 else _("{count} islands were removed: {size}.")
    return text.format(count=count, size=_sizeText(voxels, measure))


def _sizeText(voxels: int, measure: tuple[float, str]) -> str:
    size, unit = measure
    whole = voxels * size
    number = f"{whole:.0f}" if whole >= 10 else f"{whole:.2g}"
    return _("{size} {unit}").format(size=number, unit=unitWord(unit))


def unitWord(unit: str) -> str:
    """The unit in which islands are measured, in the person's language."""
    return {"pixels": _("pixels"), "voxels": _("voxels")}.get(unit, unit)
