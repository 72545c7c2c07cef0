from __future__ import annotations

import math

import numpy as np
import pytest

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.measures import Measures
from vtracer_gym.pipeline import Settings
from vtracer_gym.reward import SMALL_COLOR, SMALL_DISTANCE, SMALL_ERROR, RewardParts, RewardWeights
from vtracer_gym.samples import sample_logos

LOGO = sample_logos(1, np.random.default_rng(0), 64)[0]
WEIGHTS = RewardWeights(size=1.0, quality=3.0, detail=1.5, edges=0.5, colors=1.0, paper=10.0, loss=3.0, lowest=-2.0)


def attempt(
    quality: float = 0.9,
    detail: float = 0.8,
    edges: float = 0.4,
    colors: float = 4.0,
    paper: float = 2.0,
    size_bytes: int = 1000,
) -> Attempt:
    measures = Measures(quality, detail, edges, colors, paper)
    return Attempt(Settings(), "<svg/>", measures, size_bytes, shapes=1, curves=1)


class Known(PreparedLogo):
    """A logo whose attempt with the defaults and first drawing are given."""

    def __init__(self, default: Attempt, first: Attempt) -> None:
        super().__init__(LOGO)
        self.__dict__.update(default=default, first=first)


def earned(tried: Attempt, first: Attempt) -> RewardParts:
    return WEIGHTS.reward(tried, Known(attempt(), first))


def test_defaults_gain_nothing() -> None:
    """An attempt equal to the defaults gains 0."""
    assert WEIGHTS.gain(attempt(), attempt()) == RewardParts()


def test_parts_worked_by_hand() -> None:
    """The parts are correct for half the bytes and half of every error."""
    parts = WEIGHTS.gain(attempt(0.95, 0.9, 0.2, 2.0, 1.0, 500), attempt())

    assert parts.size == pytest.approx(math.log(2))
    assert parts.quality == pytest.approx(3.0 * 0.05 / (0.1 + SMALL_ERROR))
    assert parts.detail == pytest.approx(1.5 * 0.1 / (0.2 + SMALL_ERROR))
    assert parts.edges == pytest.approx(0.5 * 0.2 / (0.4 + SMALL_DISTANCE))
    assert parts.colors == pytest.approx(1.0 * 2.0 / (4.0 + SMALL_COLOR))
    assert parts.paper == pytest.approx(10.0 / 255.0)
    assert parts.floor == 0.0


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"size_bytes": 500}, {"size_bytes": 2000}),
        ({"quality": 0.91}, {"quality": 0.89}),
        ({"detail": 0.81}, {"detail": 0.79}),
        ({"edges": 0.3}, {"edges": 0.5}),
        ({"colors": 3.0}, {"colors": 5.0}),
    ],
)
def test_a_loss_counts_threefold(better: dict[str, float], worse: dict[str, float]) -> None:
    """A loss costs three times as much as an equal gain earns."""
    gain, loss = (WEIGHTS.gain(attempt(**one), attempt()).total for one in (better, worse))  # type: ignore[arg-type]

    assert gain > 0.0
    assert loss == pytest.approx(-3.0 * gain)


def test_first_drawing_earns_nothing() -> None:
    """The first drawing earns 0, whatever it gains over the defaults."""
    first = attempt(0.95, size_bytes=300)

    assert WEIGHTS.gain(first, attempt()).total > 0.0
    assert earned(first, first) == RewardParts()


def test_reward_is_the_gain_beyond_the_first_drawing() -> None:
    """The reward is made part by part."""
    parts = earned(attempt(0.95, size_bytes=400), attempt(0.93, size_bytes=500))

    assert parts.size == pytest.approx(math.log(500 / 400))
    assert parts.quality == pytest.approx(3.0 * 0.02 / (0.1 + SMALL_ERROR))
    assert parts.total == pytest.approx(parts.size + parts.quality)


def test_a_logo_without_error_gains_little() -> None:
    """On a logo that the defaults draw almost perfectly, a perfect drawing earns little."""
    gain = WEIGHTS.gain(attempt(1.0), attempt(0.999)).quality

    assert gain == pytest.approx(3.0 * 0.001 / (0.001 + SMALL_ERROR))


def test_saved_bytes_never_compensate_for_a_ruined_logo() -> None:
    """A blank drawing of ten bytes stays at the floor."""
    parts = earned(attempt(0.3, 0.3, 1.0, 50.0, 100.0, 10), attempt())

    assert parts.size > 0.0
    assert parts.total == pytest.approx(WEIGHTS.lowest)


def test_failure_is_the_floor() -> None:
    """A failed attempt earns the lowest reward, recorded as a separate part."""
    assert earned(Attempt.failed(Settings(), "panicked"), attempt()) == RewardParts(floor=-2.0)


def test_first_drawing_that_failed_gains_nothing() -> None:
    """If the first drawing failed, the reward is the gain over the defaults."""
    tried = attempt(0.95)

    assert earned(tried, Attempt.failed(Settings(), "panicked")) == WEIGHTS.gain(tried, attempt())


def test_difference_is_made_part_by_part() -> None:
    """Two rewards are subtracted part by part, so that the difference of totals is the total of the difference."""
    one, other = RewardParts(size=1.0, quality=2.0), RewardParts(size=0.25, floor=-1.0)

    assert one - other == RewardParts(size=0.75, quality=2.0, floor=1.0)
    assert (one - other).total == one.total - other.total
