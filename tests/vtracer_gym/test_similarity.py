from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.similarity import Similarity, ssim

Pixels = NDArray[np.uint8]


def noise(seed: int, height: int = 15, width: int = 18) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def flat(level: int) -> Pixels:
    return np.full((13, 14, 3), level, np.uint8)


def slow_ssim(picture: Pixels, target: Pixels) -> float:
    """SSIM by Wang et al. 2004, equations 13 to 16, window by window in plain Python."""
    taps = [math.exp(-(offset**2) / (2 * 1.5**2)) for offset in range(-5, 6)]
    kernel = [[one * other / sum(taps) ** 2 for other in taps] for one in taps]
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for channel in range(3):
        x, y = picture[..., channel].astype(float), target[..., channel].astype(float)
        for top in range(x.shape[0] - 10):
            for left in range(x.shape[1] - 10):
                cells = [(i, j, kernel[i][j]) for i in range(11) for j in range(11)]
                mx = sum(w * x[top + i, left + j] for i, j, w in cells)
                my = sum(w * y[top + i, left + j] for i, j, w in cells)
                vx = sum(w * (x[top + i, left + j] - mx) ** 2 for i, j, w in cells)
                vy = sum(w * (y[top + i, left + j] - my) ** 2 for i, j, w in cells)
                cov = sum(w * (x[top + i, left + j] - mx) * (y[top + i, left + j] - my) for i, j, w in cells)
                values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(sum(values) / len(values))


@pytest.mark.parametrize("seed", [0, 1])
def test_agrees_with_a_slow_loop(seed: int) -> None:
    """The fast SSIM equals the paper's formula, computed window by window."""
    target = noise(seed)
    picture = (0.6 * target + 0.4 * noise(seed + 100)).astype(np.uint8)

    assert ssim(picture, target) == pytest.approx(slow_ssim(picture, target), abs=1e-5)


def test_same_picture_is_one() -> None:
    """A picture has SSIM 1 with itself."""
    assert ssim(noise(0), noise(0)) == pytest.approx(1.0, abs=1e-6)


def test_symmetric() -> None:
    """Swapping picture and target does not change the SSIM."""
    assert ssim(noise(0), noise(1)) == pytest.approx(ssim(noise(1), noise(0)), abs=1e-6)


def test_flat_pictures_have_a_closed_form() -> None:
    """Two flat pictures differ only in luminance: (2 a b + C1) / (a^2 + b^2 + C1)."""
    c1 = (0.01 * 255) ** 2

    assert ssim(flat(200), flat(100)) == pytest.approx((2 * 200 * 100 + c1) / (200**2 + 100**2 + c1), abs=1e-4)


def test_negative_is_dissimilar() -> None:
    """The SSIM of a picture and its negative is negative."""
    assert ssim(255 - noise(0), noise(0)) < 0.0


def test_calls_are_independent() -> None:
    """A call does not affect later ones, although working memory is reused."""
    similarity = Similarity(noise(0))
    first = similarity.to(noise(1))
    similarity.to(noise(2))

    assert similarity.to(noise(1)) == first


def test_pictures_of_other_sizes_and_threads_are_independent() -> None:
    """Targets of several sizes share working memory, and threads do not."""
    sizes = [(15, 18), (40, 30), (12, 60)]
    targets = [Similarity(noise(0, *size)) for size in sizes]
    alone = [Similarity(noise(0, *size)).to(noise(1, *size)) for size in sizes]
    work = [(target, noise(1, *size)) for target, size in zip(targets, sizes, strict=True)] * 20
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: pair[0].to(pair[1]), work))

    assert together == alone * 20


def test_colors_of_equal_brightness_are_distinguished() -> None:
    """Swapping two channels lowers the SSIM, although the mean of the channels is the same."""
    target = noise(0)

    assert ssim(np.ascontiguousarray(target[..., ::-1]), target) < 0.7


@pytest.mark.parametrize("shape", [(10, 30, 3), (30, 10, 3), (30, 30), (30, 30, 4)])
def test_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    """Pictures smaller than the window or without three channels are refused."""
    with pytest.raises(ValueError, match=r"pixels|shape"):
        Similarity(np.zeros(shape, np.uint8))


def test_refuses_different_sizes() -> None:
    """Pictures of different sizes are refused."""
    with pytest.raises(ValueError, match="shapes differ"):
        ssim(noise(0, 20, 20), noise(0, 20, 21))
