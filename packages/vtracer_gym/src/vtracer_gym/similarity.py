"""Structural similarity (SSIM), the measure of quality.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli: "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 13 (4), 2004, equation 13. The implementation uses the paper's
Gaussian window of 11 x 11 pixels with sigma 1.5, its constants K1 = 0.01 and K2 = 0.03, and the mean over the windows
that are completely inside the image. The result is the average over red, green and blue, because SSIM of the luminance
would not detect a swap of two colours with equal brightness.
"""

from __future__ import annotations

import math
import threading
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

WINDOW: Final = 11
"""Side of the Gaussian window in pixels, which is also the minimum side of an image."""

SIGMA: Final = 1.5
C1: Final = np.float32((0.01 * 255.0) ** 2)
C2: Final = np.float32((0.03 * 255.0) ** 2)

_INSIDE: Final = slice(WINDOW // 2, -(WINDOW // 2))


def _windowed_mean(image: NDArray[np.float32], into: NDArray[np.float32]) -> None:
    cv2.GaussianBlur(image, (WINDOW, WINDOW), SIGMA, dst=into)


class _WorkingMemory(threading.local):
    """Memory of a thread that all calls reuse. Fresh memory pages would take four times as long as the arithmetic."""

    def __init__(self) -> None:
        self._values = np.empty(0, np.float32)

    def arrays(self, count: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return arrays of one shape. Their contents are undefined."""
        size = count * math.prod(shape)
        if self._values.size < size:
            self._values = np.empty(size, np.float32)
        return self._values[:size].reshape(count, *shape)


_MEMORY: Final = _WorkingMemory()


class Similarity:
    """SSIM relative to a fixed picture. Statistics of this picture are computed once.

    Args:
        target: 8-bit pixels, shape (height, width, 3), with no side shorter than the window.

    Raises:
        ValueError: The shape is wrong, or a side is shorter than 11 pixels.
    """

    def __init__(self, target: NDArray[np.uint8]) -> None:
        if target.ndim != 3 or target.shape[2] != 3:  # noqa: PLR2004 - height, width and three channels
            raise ValueError(f"the picture must have shape (height, width, 3), got {target.shape}")
        if min(target.shape[:2]) < WINDOW:
            raise ValueError(f"{target.shape[1]} x {target.shape[0]} pixels are smaller than the {WINDOW} px window")
        self._target = target.astype(np.float32)
        self._mean = np.empty_like(self._target)
        _windowed_mean(self._target, self._mean)
        energy, square = _MEMORY.arrays(2, target.shape)
        np.multiply(self._mean, self._mean, out=energy)
        np.multiply(self._target, self._target, out=square)
        self._energy_c1 = energy + C1
        self._variance_c2 = np.empty_like(self._target)
        _windowed_mean(square, self._variance_c2)
        self._variance_c2 -= energy
        self._variance_c2 += C2

    def to(self, picture: NDArray[np.uint8]) -> float:
        """Return the mean SSIM of a picture with the same shape. The maximum is 1, for identical pictures.

        Raises:
            ValueError: The shape differs from the shape of the target.
        """
        if picture.shape != self._target.shape:
            raise ValueError(f"the shapes differ: {picture.shape} and {self._target.shape}")
        image, mean, variance, covariance, product = _MEMORY.arrays(5, picture.shape)
        np.copyto(image, picture)
        _windowed_mean(image, mean)
        np.multiply(image, image, out=product)
        _windowed_mean(product, variance)
        np.multiply(image, self._target, out=product)
        _windowed_mean(product, covariance)

        np.multiply(mean, self._mean, out=product)
        covariance -= product
        np.multiply(mean, mean, out=mean)
        variance -= mean

        variance += self._variance_c2
        mean += self._energy_c1
        mean *= variance  # denominator: (mu_x^2 + mu_y^2 + C1) (sigma_x^2 + sigma_y^2 + C2)
        product *= 2
        product += C1
        covariance *= 2
        covariance += C2
        product *= covariance  # numerator: (2 mu_x mu_y + C1) (2 sigma_xy + C2)
        product /= mean
        return float(product[_INSIDE, _INSIDE].mean(dtype=np.float64))


def ssim(picture: NDArray[np.uint8], target: NDArray[np.uint8]) -> float:
    """Return the mean SSIM of two 8-bit pictures, both of shape (height, width, 3).

    Raises:
        ValueError: The shapes differ, or a side is shorter than 11 pixels.
    """
    return Similarity(target).to(picture)
