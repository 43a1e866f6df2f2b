"""What of a pass no noise reaches: computed once, shared by all samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .adapter import AdapterState
from .attention import AttentionState


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

    def repeat(self, times: int) -> PairState:
        """Every row ``times`` times, rows of one pair side by side."""
        return join_pairs([self], [times])


def join_pairs(pairs: Sequence[PairState], times: Sequence[int]) -> PairState:
    """One batch of several pairs, each row as often as its pair's number says; all of one length."""

    def join(parts: Sequence[Tensor]) -> Tensor:
        # Expanding the rows of a lone pair takes no memory.
        repeated = [
            part.expand(count, *part.shape[1:]) if len(part) == 1 else part.repeat_interleave(count, 0)
            for part, count in zip(parts, times, strict=True)
        ]
        return repeated[0] if len(repeated) == 1 else torch.cat(repeated)

    images, texts, firsts = zip(*((pair.image, pair.text, pair.first) for pair in pairs), strict=True)
    hidden, mask = texts[0].hidden, texts[0].mask
    return PairState(
        ImageState(
            join([image.tokens for image in images]),
            [join(skips) for skips in zip(*(image.skips for image in images), strict=True)],
            images[0].size,
        ),
        TextState(
            join([text.tokens for text in texts]),
            None if hidden is None else join([text.hidden for text in texts]),
            # A causal mask is the same for all.
            mask if mask is None or mask.ndim == 2 else join([text.mask for text in texts]),
            texts[0].length,
            join([text.pooled for text in texts]),
        ),
        AdapterState(
            AttentionState(
                join([first.image.query for first in firsts]),
                join([first.image.attention for first in firsts]),
                join([first.image.value_mean for first in firsts]),
                join([first.image.value_deviation for first in firsts]),
            ),
            join([first.text for first in firsts]),
        ),
    )
