from __future__ import annotations

import cv2
import numpy as np
import pytest

from vtracer_gym.samples import LOGO_TYPES, sample_logos


def colors(pixels: np.ndarray) -> int:
    return len(np.unique(pixels.reshape(-1, 3) >> 4, axis=0))


def test_types_come_in_turn() -> None:
    """Any number of logos can be drawn, with the four types in turn."""
    assert [logo.category for logo in sample_logos(6, np.random.default_rng(0), 64)] == [*LOGO_TYPES, *LOGO_TYPES[:2]]


def test_seed() -> None:
    """The same seed gives the same logos, and another seed different ones."""
    first, again, other = (sample_logos(4, np.random.default_rng(seed), 64) for seed in (1, 1, 2))

    assert all(np.array_equal(one.pixels, two.pixels) for one, two in zip(first, again, strict=True))
    assert not any(np.array_equal(one.pixels, two.pixels) for one, two in zip(first, other, strict=True))


def test_more_logos_keep_the_first_ones() -> None:
    """Each logo has a separate random generator."""
    few, many = sample_logos(2, np.random.default_rng(3), 64), sample_logos(5, np.random.default_rng(3), 64)

    assert all(np.array_equal(one.pixels, two.pixels) for one, two in zip(few, many, strict=False))


def test_sizes() -> None:
    """The longest side has the requested size, and every logo is large enough for SSIM."""
    for logo in sample_logos(40, np.random.default_rng(0), 64):
        assert max(logo.pixels.shape) == 64
        assert min(logo.pixels.shape[:2]) >= 11


def test_types_differ() -> None:
    """Logos with gradients and complex logos have more colours than simple logos."""
    logos = sample_logos(24, np.random.default_rng(0), 96)
    mean = {kind: np.mean([colors(logo.pixels) for logo in logos if logo.category == kind]) for kind in LOGO_TYPES}

    assert mean["gradient"] > mean["simple"]
    assert mean["complex"] > mean["text"]


def test_source_is_the_same_picture_in_four_times_the_size() -> None:
    """Each logo has a source, from which its pixels follow by shrinking."""
    for logo in sample_logos(8, np.random.default_rng(0), 64):
        assert logo.source is not None
        assert max(logo.source.shape) == 4 * 64
        shrunk = cv2.resize(logo.source, (logo.width, logo.height), interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(int) - logo.pixels).mean() < 1.0


@pytest.mark.parametrize(("count", "size"), [(-1, 64), (1, 63)])
def test_refuses_invalid_counts_and_sizes(count: int, size: int) -> None:
    """A negative count and a size too small for a word are refused."""
    with pytest.raises(ValueError, match=r"count must not be negative|at least 64 pixels"):
        sample_logos(count, np.random.default_rng(0), size)
