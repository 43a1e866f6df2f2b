"""What of a pass no noise reaches: computed once, shared by all samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from .adapter import AdapterState


@dataclass(frozen=True, eq=False)
class ImageState:
    """Images before the first noise enters.

    Args:
        tokens: (B, Ti, Wi) before the first adapter.
        skips: the stem's features as the upscale blocks join them, in the blocks' order; empty without a stem.
        size: (H, W) of the input.
    """

    tokens: Tensor
    skips: list[Tensor]
    size: tuple[int, int]

    def row(self, index: int) -> ImageState:
        """One image of the batch, as a batch of its own."""
        return ImageState(self.tokens[index : index + 1], [s[index : index + 1] for s in self.skips], self.size)


@dataclass(frozen=True, eq=False)
class TextState:
    """Prompts before the first noise enters.

    Args:
        tokens: (B, Tt, Wt) before the first adapter.
        hidden: (B, Tt), True for padding the image must not look at; None to show it all.
        mask: which tokens look at which, see :func:`attention_mask`.
        length: tokens up to the last one that is no padding in any row.
        pooled: (B,) position of the token that speaks for the prompt.
    """

    tokens: Tensor
    hidden: Tensor | None
    mask: Tensor | None
    length: int
    pooled: Tensor

    @property
    def is_causal(self) -> bool:
        """True where every token looks at those before it, so that the mask is the same in all rows."""
        return self.mask is not None and self.mask.ndim == 2


@dataclass(frozen=True, eq=False)
class PairState:
    """Images met by prompts, row by row, up to the first adapter's noise.

    Args:
        image: the images.
        text: the prompts.
        first: the first adapter's look at both.
    """

    image: ImageState
    text: TextState
    first: AdapterState


def join_pairs(pairs: Sequence[PairState], times: Sequence[int]) -> PairState:
    """One batch of several pairs, each row as often as its pair's number says; all of one length."""

    def join(parts: Sequence[Any]) -> Any:
        first = parts[0]
        if isinstance(first, Tensor):
            # Expanding the rows of a lone pair takes no memory.
            repeated = [
                part.expand(count, *part.shape[1:]) if len(part) == 1 else part.repeat_interleave(count, 0)
                for part, count in zip(parts, times, strict=True)
            ]
            return repeated[0] if len(repeated) == 1 else torch.cat(repeated)
        if isinstance(first, list):
            return [join(each) for each in zip(*parts, strict=True)]
        if not is_dataclass(first):
            return first
        values = {field.name: join([getattr(part, field.name) for part in parts]) for field in fields(first)}
        if isinstance(first, TextState) and first.is_causal:
            values["mask"] = first.mask  # the same for all
        return type(first)(**values)

    return join(pairs)
