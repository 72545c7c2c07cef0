"""Divergence of two runs."""

import numpy as np
import pytest

from rlvitals.stats.groups.divergence import series_divergence

Series = dict[str, np.ndarray]


def metrics(seed: int, count: int = 100) -> Series:
    """Return six drifting metrics with noise."""
    generator = np.random.default_rng(seed)
    return {f"m{k}": np.linspace(0, 3, count) + generator.normal(size=count) for k in range(6)}


def test_equal_runs_are_identical() -> None:
    """NaN at the same update is equal, and rounding is ignored."""
    one = metrics(0)
    one["m0"][7] = np.nan

    assert series_divergence(one, {name: values * (1 + 1e-9) for name, values in one.items()}).kind == "identical"


@pytest.mark.parametrize("place", [3, 40, 99])
def test_twins_diverge_at_the_first_unequal_update(place: int) -> None:
    """The update is exact, and the changed metric is named."""
    one, other = metrics(0), metrics(0)
    other["m2"][place:] += 0.001
    found = series_divergence(one, other)

    assert (found.kind, found.place, found.metrics) == ("exact", place, ("m2",))


def test_nan_in_only_one_run_is_a_difference() -> None:
    """The runs diverge at the first NaN."""
    one, other = metrics(0), metrics(0)
    other["m1"][50] = np.nan

    assert series_divergence(one, other).place == 50


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_divergence_of_two_seeds_is_found(seed: int) -> None:
    """A shift of one of six metrics by five standard deviations at update 60 is located within two updates."""
    one, other = metrics(seed), metrics(seed + 100)
    other["m3"][60:] += 5 * np.sqrt(2)
    found = series_divergence(one, other)

    assert found.kind == "beyond noise"
    assert found.place is not None
    assert abs(found.place - 60) <= 2
    assert found.metrics[0] == "m3"


def test_two_seeds_of_one_configuration_rarely_diverge() -> None:
    """At most one of 20 pairs diverges."""
    kinds = [series_divergence(metrics(seed), metrics(seed + 500)).kind for seed in range(20)]

    assert kinds.count("beyond noise") <= 1


def test_runs_without_enough_common_data_are_not_compared() -> None:
    """Runs without a common metric, or with too few updates, have no verdict, and constants do not make twins."""

    assert series_divergence({"a": [1.0]}, {"b": [1.0]}).kind == "not enough data"
    assert series_divergence({"a": [1.0, 2.0]}, {"a": [3.0, 5.0]}).kind == "not enough data"
    constant = {"lr": np.full(30, 3e-4), "x": np.ones(30)}
    assert series_divergence(constant, {"lr": np.full(30, 3e-4), "x": np.full(30, 2.0)}).kind != "exact"
