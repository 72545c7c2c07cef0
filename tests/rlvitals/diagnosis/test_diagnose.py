"""A diagnosis holds whatever the data is."""

import logging

import msgspec
import numpy as np
import pytest

from rlvitals.diagnosis import diagnose
from rlvitals.testing.trainings import MadeTraining


def spoilt(seed: int) -> MadeTraining:
    """A training of which columns are missing, are full of holes, or are filled with the oddest numbers."""
    generator = np.random.default_rng(seed)
    made = MadeTraining(updates=int(generator.integers(1, 30)), seed=seed, continuous=bool(seed % 2))
    for table in (made.episodes, made.updates, made.evaluations):
        for name, column in table.items():
            if column is None or name in {"env_step", "step", "time", "length", "termination_reason"}:
                continue
            fate = generator.random()
            if fate < 0.2 and name != "reward":
                table[name] = None
            elif fate < 0.4:
                table[name] = np.where(generator.random(column.size) < 0.5, np.nan, column)
            elif fate < 0.6:
                table[name] = np.full(
                    column.size, generator.choice([0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300])
                )
    odd = generator.choice(["x", "0", "-1", "nan", "1e9"], len(made.configuration))
    made.configuration |= {name: str(value) for name, value in zip(made.configuration, odd, strict=True)}
    made.total_timesteps = None if seed % 3 else made.total_timesteps
    return made


@pytest.mark.parametrize("seed", range(60))
def test_no_data_makes_it_fail(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """No rule raises, no warning is given, the score adds up, and all of it can be sent as JSON."""

    caplog.set_level(logging.ERROR)
    made = spoilt(seed)
    for share in (0.3, 1.0):
        diagnosis = diagnose(made.evidence(share))
        assert 100 - sum(loss.points for loss in diagnosis.health.losses) == diagnosis.health_score
        assert msgspec.json.encode(diagnosis)
        assert not [one for one in diagnosis.unjudged if one.missing[0].startswith("the rule failed")]
    assert caplog.records == []


def test_a_live_run_without_a_known_budget_is_judged() -> None:
    """By how many updates there were."""

    made = MadeTraining().flat().set("updates", learning_rate=0.1, kl_divergence=2.0)
    made.total_timesteps = None
    made.facts["status"] = "running"
    assert [finding.code for finding in diagnose(made.evidence()).findings] == ["learning-rate-too-high"]
