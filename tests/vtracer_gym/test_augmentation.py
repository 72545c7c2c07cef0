from __future__ import annotations

import numpy as np

from vtracer_gym.augmentation import augmented, variant
from vtracer_gym.logos import Logo
from vtracer_gym.samples import sample_logos

LOGOS = sample_logos(4, np.random.default_rng(0), 64)


def test_logos_come_first() -> None:
    """The logos are kept as they are, and each has its variants, of the same type, under names of their own."""
    names = [logo.name for logo in augmented(LOGOS, 2, np.random.default_rng(0))]

    assert names[:4] == [logo.name for logo in LOGOS]
    assert names[4:] == [f"{logo.name}#{number}" for number in (1, 2) for logo in LOGOS]


def test_no_copies_change_nothing() -> None:
    """Without variants, the logos are all there is."""
    assert augmented(LOGOS, 0, np.random.default_rng(0)) == LOGOS


def test_variants_differ_but_are_usable() -> None:
    """No variant is its logo, and none is larger, or smaller than one SSIM window."""
    for logo in augmented(LOGOS, 3, np.random.default_rng(0))[4:]:
        original = next(one for one in LOGOS if logo.name.startswith(one.name))

        assert not np.array_equal(logo.pixels, original.pixels)
        assert max(logo.pixels.shape[:2]) <= 64
        assert min(logo.pixels.shape[:2]) >= 11


def test_smallest_logo_is_not_shrunk() -> None:
    """A logo of one SSIM window stays that large."""
    pixels = np.random.default_rng(0).integers(0, 256, (11, 40, 3), dtype=np.uint8)

    assert min(variant(Logo("a", "text", pixels), 1, np.random.default_rng(0)).pixels.shape[:2]) == 11


def test_seed() -> None:
    """The same seed makes the same variants, another seed others."""
    one, same, other = (augmented(LOGOS, 1, np.random.default_rng(seed))[4].pixels for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
