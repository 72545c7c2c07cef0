"""Power and the number of additional runs."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.effect_size import hedges_g
from rlvitals.stats.groups.permutation import compare_groups
from rlvitals.stats.groups.power import more_runs, power, runs_needed
from rlvitals.stats.groups.welch import moments_of, student


def test_power_matches_tables() -> None:
    """In Cohen's (1988) table 2.3.5, 26 per group detect an effect of 0.8 with 80 % power."""

    assert runs_needed(0.8) == 26
    assert runs_needed(0.5) == 64
    assert power(5, 5, 0.0) == pytest.approx(0.05, abs=1e-4)
    assert power(10, 10, 1.0) == pytest.approx(power(10, 10, -1.0))


@pytest.mark.parametrize(("runs", "effect"), [(3, 2.0), (4, 2.0), (6, 1.5)])
def test_power_is_calibrated(runs: int, effect: float) -> None:
    """The test detects the predicted share of 1000 pairs of groups."""
    generator = np.random.default_rng(0)
    named = [
        compare_groups(generator.normal(size=runs) + effect, generator.normal(size=runs), generator).p_value <= 0.05
        for _ in range(1000)
    ]

    assert np.mean(named) == pytest.approx(power(runs, runs, effect), abs=0.05)


def test_a_large_difference_needs_few_runs() -> None:
    """A small difference needs many or more than 200, and the number follows from the power for the observed effect."""
    generator = np.random.default_rng(0)
    three = np.array([-1.0, 0.0, 1.0])
    large, small, none = (more_runs(three + shift, three, generator) for shift in (2.2, 0.8, 0.01))
    seen = hedges_g(three + 2.2, three).estimate

    assert large.needed == (runs_needed(seen) or 0) - 3
    assert large.needed < (small.needed or 0) < 200
    assert none.needed is None
    assert none.chance < 0.9


@pytest.mark.parametrize("typical", [1.0, 4.0])
def test_the_predicted_chance_is_calibrated(typical: float) -> None:
    """For small and large effects, the mean chance equals the share of significant results, or is slightly below it."""
    generator = np.random.default_rng(1)
    shown: list[bool] = []
    foretold: list[float] = []
    while len(shown) < 300:
        truth = typical * generator.normal()
        a, b = generator.normal(size=3) + truth, generator.normal(size=3)
        if student(moments_of(a), moments_of(b)).p_value <= 0.05:
            continue
        further = more_runs(a, b, generator)
        more = further.needed or 200
        foretold.append(further.chance)
        a, b = (np.concatenate([x, generator.normal(size=more) + y]) for x, y in ((a, truth), (b, 0.0)))
        shown.append(student(moments_of(a), moments_of(b)).p_value <= 0.05)

    assert np.mean(foretold) - 0.06 <= np.mean(shown) <= np.mean(foretold) + 0.14


def test_without_spread_there_is_no_prediction() -> None:
    """A single run, or equal runs, have no prediction."""
    generator = np.random.default_rng(0)

    assert more_runs([1.0], [2.0, 3.0], generator).needed is None
    assert math.isnan(more_runs([1.0, 1.0], [2.0, 2.0], generator).chance)
    with pytest.raises(ValueError, match="each needs at least 2 for a test"):
        power(1, 5, 1.0)
