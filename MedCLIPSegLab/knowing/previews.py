"""What a model finds in one pass with the noise at its mean, slice by slice and name by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.passes import Passes
from MedCLIPSegLogic.inference.preprocess import PreparedSlice, place, prepare_slice
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.model.states import ImageState, TextState
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis

from .sets import Shown


@dataclass(frozen=True, eq=False)
class SeenSlice:
    """A slice that shows a thing, ready to be asked.

    Args:
        slice: model input.
        state: of the image tower.
        truth: (H, W) known mask.
    """

    slice: PreparedSlice
    state: ImageState
    truth: NDArray[np.bool_]


class Previews:
    """Asks one model.

    Args:
        model: moved to the device.
        device: where to compute.
    """

    def __init__(self, model: LoadedModel, device: torch.device) -> None:
        self._model = model
        self._passes = Passes(model.network.to(device), device, "float32", SegmentationRequest.seed, 1)
        self._texts: dict[str, TextState] = {}

    def see(self, shown: Shown) -> SeenSlice:
        """The middle one of the slices that show the thing; ``shown`` must have one."""
        axis = choose_axis(shown.volume, "auto")
        across = tuple(number for number in range(3) if number != axis.axis)
        slices = np.flatnonzero(shown.truth.any(axis=across))
        index = int(slices[len(slices) // 2])
        pixels = resolve(default_rule(shown.volume), shown.volume).apply(axis.extract(shown.volume.voxels, index))
        return self.see_pixels(pixels, np.asarray(axis.extract(shown.truth, index), np.bool_), axis.pixel_spacing)

    def see_pixels(
        self,
        pixels: NDArray[np.uint8],
        truth: NDArray[np.bool_] | None = None,
        pixel_spacing: tuple[float, float] = (1.0, 1.0),
    ) -> SeenSlice:
        """A slice (H, W) or (H, W, 3) as the model sees it, with its known mask (H, W), if there is one."""
        config = self._model.config
        height, width = pixels.shape[:2]
        placement = place((height, width), pixel_spacing, config.image.image_size, config.preprocessing)
        prepared = PreparedSlice(0, 1, placement, prepare_slice(pixels, placement, config.preprocessing))
        [state] = self._passes.encode_images([prepared.image])
        return SeenSlice(prepared, state, np.zeros((height, width), np.bool_) if truth is None else truth)

    def mask(self, seen: SeenSlice, prompt: str) -> NDArray[np.bool_]:
        """(H, W) mask of a prompt at the threshold of runs."""
        if prompt not in self._texts:
            self._texts[prompt] = self._passes.encode_text(self._model.tokenizer([prompt]))
        pair = self._passes.meet(seen.state, self._texts[prompt])
        whole = seen.slice.placement.restore(self._passes.preview(pair)[None])[0]
        return np.asarray(whole.cpu().numpy() > SegmentationRequest.threshold, np.bool_)
