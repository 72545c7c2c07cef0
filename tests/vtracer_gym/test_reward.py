from __future__ import annotations

import math

import pytest

from vtracer_gym.attempts import Attempt
from vtracer_gym.reward import RewardWeights
from vtracer_gym.tracing import DEFAULTS

WEIGHTS = RewardWeights(quality=2.0, gain_scale=0.01, size=1.0, growth=3.0, speed=0.5, lowest=-3.0)


def attempt(quality: float = 0.9, size_bytes: int = 1000, work: float = 100.0) -> Attempt:
    return Attempt(DEFAULTS, "<svg/>", quality, size_bytes, paths=1, curves=1, work=work, trace_seconds=0.001)


def test_defaults_earn_nothing() -> None:
    """An attempt equal to the defaults earns 0."""
    assert WEIGHTS.reward(attempt(), attempt()) == 0.0


def test_parts_worked_by_hand() -> None:
    """The parts are correct for half the bytes, a quarter of the time and one gain scale of quality."""
    parts = WEIGHTS.parts(attempt(0.91, 500, 25.0), attempt())

    assert parts.size == pytest.approx(math.log(2))
    assert parts.speed == pytest.approx(0.5 * math.log(4))
    assert parts.quality == pytest.approx(2.0 * (1 - math.exp(-1)))
    assert parts.floor == 0.0


def test_parts_add_up() -> None:
    """The parts add up to the reward, above the floor and at the floor."""
    for tried in (attempt(0.95, 3000, 50.0), attempt(0.2, 100, 10.0)):
        parts = WEIGHTS.parts(tried, attempt())

        assert sum(parts.as_dict().values()) == pytest.approx(WEIGHTS.reward(tried, attempt()))


def test_gain_saturates_and_loss_does_not() -> None:
    """A gain in quality earns at most the weight, and a loss costs in proportion."""
    assert WEIGHTS.parts(attempt(1.0), attempt()).quality < 2.0
    assert WEIGHTS.parts(attempt(0.89), attempt()).quality == pytest.approx(-2.0)
    assert WEIGHTS.parts(attempt(0.88), attempt()).quality == pytest.approx(-4.0)


def test_slope_is_even_at_the_defaults() -> None:
    """A tiny gain earns as much as a tiny loss costs."""
    gain = WEIGHTS.parts(attempt(0.9 + 1e-7), attempt()).quality
    loss = WEIGHTS.parts(attempt(0.9 - 1e-7), attempt()).quality

    assert gain == pytest.approx(-loss, rel=1e-3)


def test_growth_counts_threefold() -> None:
    """Twice the bytes cost three times as much as half the bytes earn."""
    half, twice = (WEIGHTS.parts(attempt(size_bytes=size), attempt()).size for size in (500, 2000))

    assert twice == pytest.approx(-3 * half)


def test_saved_bytes_never_compensate_for_a_ruined_logo() -> None:
    """A blank trace of ten bytes stays at the floor."""
    assert WEIGHTS.reward(attempt(0.3, 10), attempt(0.9, 10_000)) == WEIGHTS.lowest


def test_failure_is_the_floor() -> None:
    """A failed attempt earns the lowest reward, recorded as a separate part."""
    parts = WEIGHTS.parts(Attempt.failed(DEFAULTS, "panicked"), attempt())

    assert parts.as_dict() == {"quality": 0.0, "size": 0.0, "speed": 0.0, "floor": -3.0}
