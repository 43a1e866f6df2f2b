"""The towers of a model with gradients, and pairs as they take them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.clip_towers import ClipTowers
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.text_tower import content_length
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume

from .pairs import Pair

READERS = 2
"""Threads that read the images of the next batch while the towers compute."""


class TunedTowers(ClipTowers):
    """Plain CLIP whose two towers learn; adapters, heads and the logit scale stay as they are.

    Args:
        network: is tuned in place.
        tokenizer: of the network.
    """

    def __init__(self, network: MedCLIPSeg, tokenizer: PromptTokenizer) -> None:
        super().__init__(network, tokenizer)
        for tower in self._towers:
            tower.requires_grad_(True)

    @property
    def network(self) -> MedCLIPSeg:
        """The whole network."""
        return self._network

    @property
    def _towers(self) -> tuple[nn.Module, nn.Module]:
        return self._network.vision_model, self._network.text_model

    def learn(self, learning: bool) -> None:
        """Switch dropout on or off; batch norms keep the statistics of the images they were trained on."""
        for tower in self._towers:
            tower.train(learning)
            for layer in tower.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.eval()

    def caption_vectors(self, captions: Sequence[str]) -> Tensor:
        """Unit vectors (B, D) of captions, with gradients; what exceeds the context of the tower is cut off."""
        token_ids = self.tokenize(captions)
        # Padding to the whole context would cost several times the captions themselves.
        tokens, state = self.begin_text(token_ids[:, : content_length(token_ids)], -1)
        return self.finish_text(tokens, 0, state)

    def read(self, pair: Pair) -> Tensor:
        """Input (1, 3, S, S) of a pair's image, stretched to the square as for saliency maps.

        Raises:
            MedCLIPSegError: the image is damaged or a volume of several slices; names the row.
        """
        try:
            volume = read_volume(pair.image)
        except MedCLIPSegError as error:
            raise MedCLIPSegError(f"{pair.place} has an image that cannot be used: {error}") from None
        if not volume.is_single_slice:
            raise MedCLIPSegError(
                f"{pair.place} has an image that cannot be used: {pair.image} is a volume of several slices; a caption "
                "belongs to one picture."
            )
        pixels = resolve(default_rule(volume), volume).apply(choose_axis(volume, "auto").extract(volume.voxels, 0))
        return self.prepare(pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)).input

    def check(self, pair: Pair) -> None:
        """Read a pair once.

        Raises:
            MedCLIPSegError: its image or caption cannot be used; names the row.
        """
        self.read(pair)
        try:
            self.tokenize([pair.caption])
        except MedCLIPSegError as error:
            raise MedCLIPSegError(f"{pair.place} has a caption that cannot be used: {error}") from None

    @torch.no_grad()
    def vectors_in_steps(self, pairs: Sequence[Pair], size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Image and caption vectors (B, D) of ``size`` pairs at a time, without gradients."""
        self.learn(False)
        batches = [list(pairs[start : start + size]) for start in range(0, len(pairs), size)]
        for batch, images in read_ahead(batches, self.read):
            yield self.image_vectors(images), self.caption_vectors([pair.caption for pair in batch])


def read_ahead(batches: Iterable[list[Pair]], read: Callable[[Pair], Tensor]) -> Iterator[tuple[list[Pair], Tensor]]:
    """Each batch with its images (B, 3, S, S), those of the next batch being read meanwhile."""
    with ThreadPoolExecutor(READERS) as threads:
        pending: tuple[list[Pair], list[Future[Tensor]]] | None = None
        try:
            for batch in batches:
                following = batch, [threads.submit(read, pair) for pair in batch]
                if pending is not None:
                    yield pending[0], torch.cat([image.result() for image in pending[1]])
                pending = following
            if pending is not None:
                yield pending[0], torch.cat([image.result() for image in pending[1]])
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
