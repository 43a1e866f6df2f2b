"""Dense conditional random field on a saliency map, as MedCLIP-SAM refines it.

Krähenbühl P, Koltun V. Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials. NIPS 2011. The usual
library has no ready-made package for current Python versions, so the one mean-field step stands here.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .lattice import Lattice


@dataclass(frozen=True)
class CrfSettings:
    """Numbers of the field; the defaults are those of MedCLIP-SAM.

    Args:
        gaussian_sxy: deviation in pixels of the kernel that makes the mask smooth.
        gaussian_weight: its weight.
        bilateral_sxy: deviation in pixels of the kernel that follows the edges of the image.
        bilateral_srgb: its deviation in grey levels of each channel, of 255.
        bilateral_weight: its weight.
        tau: how much the saliency counts against the kernels; less counts more.
        iterations: mean-field steps.
    """

    gaussian_sxy: float = 3.0
    gaussian_weight: float = 3.0
    bilateral_sxy: float = 60.0
    bilateral_srgb: float = 5.0
    bilateral_weight: float = 5.0
    tau: float = 1.05
    iterations: int = 1


EPSILON = 1e-8


def refine(
    saliency: NDArray[np.float32], image: NDArray[np.uint8], settings: CrfSettings | None = None
) -> NDArray[np.float32]:
    """Probability of the foreground in the field.

    The unary energy of a label is −ln(p + ε) / (τ σ(p)) with its share p of the saliency and the logistic function σ;
    pairs have Potts energies with a Gaussian and a bilateral kernel, both normalized symmetrically.

    Args:
        saliency: (H, W), 0…1.
        image: (H, W, 3).
        settings: None for the published ones.

    Returns:
        (H, W), 0…1; above 0.5 the foreground is the likelier label.
    """
    chosen = settings or CrfSettings()
    shares = np.stack([1 - saliency, saliency]).astype(np.float64)
    unary = -np.log(shares + EPSILON) / (chosen.tau / (1 + np.exp(-shares)))
    lattice = Lattice.around(_features(image, chosen))

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        blurred = cv2.GaussianBlur(values, (0, 0), chosen.gaussian_sxy, borderType=cv2.BORDER_CONSTANT)
        return blurred.astype(np.float64, copy=False)

    def follow_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return lattice.filter(values.ravel()).reshape(values.shape)

    kernels = [(chosen.gaussian_weight, smooth), (chosen.bilateral_weight, follow_edges)]
    scales = [1 / np.sqrt(kernel(np.ones(saliency.shape)) + EPSILON) for _, kernel in kernels]
    belief = _softmax(-unary)
    for _ in range(chosen.iterations):
        energy = -unary
        for (weight, kernel), scale in zip(kernels, scales, strict=True):
            energy = energy + weight * np.stack([scale * kernel(scale * label) for label in belief])
        belief = _softmax(energy)
    return belief[1].astype(np.float32)


def _features(image: NDArray[np.uint8], settings: CrfSettings) -> NDArray[np.float64]:
    """Position and color (N, 5) in deviations; (N, 3) for a grey image, where the three channels are one direction."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width].reshape(2, -1) / settings.bilateral_sxy
    colors = image.reshape(-1, 3) / settings.bilateral_srgb
    if (image == image[..., :1]).all():
        colors = colors[:, :1] * np.sqrt(3)
    return np.column_stack([columns, rows, colors])


def _softmax(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    likelihood = np.exp(energy - energy.max(axis=0))
    return likelihood / likelihood.sum(axis=0)
