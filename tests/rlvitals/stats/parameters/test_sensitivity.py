"""Sensitivity to hyperparameters over dozens of runs."""

from typing import Any

import numpy as np
import pytest

from rlvitals.stats.parameters.sensitivity import sensitivity


def searched(seed: int, runs: int = 60, names: int = 40) -> dict[str, Any]:
    """Return a random search over `names` hyperparameters: linear, logarithmic and string-valued."""
    generator = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for k in range(names):
        if k % 3 == 0:
            found[f"h{k}"] = generator.random(runs)
        elif k % 3 == 1:
            found[f"h{k}"] = 10 ** generator.uniform(-5, -1, runs)
        else:
            found[f"h{k}"] = [str(item) for item in generator.choice(["relu", "tanh", "elu"], runs)]
    return found


@pytest.mark.parametrize("name", ["h3", "h4"])
def test_one_planted_effect_among_forty_is_found(name: str) -> None:
    """Only the one hyperparameter is found that explains half of the variance of 60 runs."""
    settings, generator = searched(1), np.random.default_rng(0)
    place = np.argsort(np.argsort(settings[name])) / 59
    found = sensitivity(settings, 3.4 * place + generator.normal(size=60), generator)

    assert found.verdict == "found"
    assert [one.name for one in found.influences if one.matters] == [name]
    assert found.influences[0].at_edge == "high"
    assert found.influences[0].difference.low > 0
    assert "try values above" in found.advice[0]


def test_an_inner_optimum_and_a_string_are_found() -> None:
    """The best value is reported, also if lower outcomes are better."""
    settings, generator = searched(2), np.random.default_rng(1)
    inside = -12 * (settings["h0"] - 0.5) ** 2 + 0.3 * generator.normal(size=60)
    tanh = np.array([activation == "tanh" for activation in settings["h2"]]) * 3.0 + generator.normal(size=60)
    hill = sensitivity(settings, inside, generator).influences[0]
    level = sensitivity(settings, tanh, generator, higher_is_better=False).influences[0]

    assert (hill.name, hill.at_edge) == ("h0", None)
    assert hill.best == pytest.approx(0.5, abs=0.12)
    assert (level.name, level.worst) == ("h2", "tanh")


def test_noise_is_rarely_found() -> None:
    """At most three of 20 searches find an effect, although unadjusted p-values would find one in nearly all."""
    generator = np.random.default_rng(2)
    made = [sensitivity(searched(seed, 30), generator.normal(size=30), generator) for seed in range(20)]

    assert [found.verdict for found in made].count("found") <= 3
    assert sum(any(one.p_value <= 0.05 for one in found.influences) for found in made) >= 14


def test_p_values_are_adjusted_for_all_hyperparameters() -> None:
    """The smallest of forty is close to Sidak's adjustment, which holds for independent tests."""
    generator = np.random.default_rng(4)
    for seed in range(4):
        first = sensitivity(searched(seed, 30), generator.normal(size=30), generator).influences[0]
        assert first.adjusted_p == pytest.approx(1.0 - (1.0 - first.p_value) ** 40, abs=0.2)
        assert first.adjusted_p > 5.0 * first.p_value


def test_an_interaction_is_found() -> None:
    """An effect that reverses with another hyperparameter is found among the pairs with a significant one."""
    generator = np.random.default_rng(3)
    settings = searched(3, 120, 8)
    outcome = 2 * settings["h0"] + 8 * (settings["h0"] - 0.5) * (settings["h3"] - 0.5)
    found = sensitivity(settings, outcome + 0.3 * generator.normal(size=120), generator)

    assert [(pair.first, pair.second) for pair in found.together if pair.interacts] == [("h0", "h3")]


def test_few_runs_and_constants_are_not_enough() -> None:
    """A column of another length is refused."""
    generator = np.random.default_rng(0)

    assert sensitivity({"a": [1, 2, 3]}, [1, 2, 3], generator).verdict == "not enough runs"
    assert sensitivity({"a": [1] * 20}, range(20), generator).verdict == "not enough runs"
    with pytest.raises(ValueError, match="3 rows of settings but 4 outcomes"):
        sensitivity({"a": [1, 2, 3]}, [1, 2, 3, 4], generator)
