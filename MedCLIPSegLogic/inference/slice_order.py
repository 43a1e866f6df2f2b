"""Which slices are segmented, and in what order."""

from __future__ import annotations

from ..errors import MedCLIPSegError


def slice_indices(slices: tuple[int, int] | None, count: int) -> list[int]:
    """Slices of a range (first, end), end exclusive; all of them for None.

    Raises:
        MedCLIPSegError: the range does not fit into ``count`` slices.
    """
    first, end = slices or (0, count)
    if not 0 <= first < end <= count:
        raise MedCLIPSegError(f"The slice range {first}:{end} does not fit; the volume has slices 0:{count}.")
    return list(range(first, end))


def outwards(indices: list[int], start: int | None) -> list[int]:
    """The same slices, nearest to ``start`` first and the later of two equally near ones first.

    Args:
        indices: in rising order.
        start: slice to begin with; outside the range the nearest end is meant. None keeps the order.
    """
    if start is None:
        return list(indices)
    return sorted(indices, key=lambda index: (abs(index - start), -index))
