from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from vtracer_gym.baselines import COMPACT_NAME, DEFAULTS_NAME
from vtracer_gym.cli.seeds import SeedResult, at_once, verdicts
from vtracer_gym.cli.session import record_evaluation
from vtracer_gym.logo_outcomes import FIRST_TRY, TUNED, LogoEvaluation, Outcome, best_of


def outcome(reward: float, tries: int = 1) -> Outcome:
    return Outcome(reward, 0.9, 0.01, 0.8, 0.7, 0.2, 2.0, -0.5, 500.0, tries)


def result(folder: Path) -> SeedResult:
    """Record an evaluation in which the agent earns 1 more than every other method."""
    rewards = np.random.default_rng(0).normal(size=12).tolist()
    rows = [
        LogoEvaluation(
            f"logo-{index}",
            "simple",
            {FIRST_TRY: outcome(reward + 1.0)}
            | {name: outcome(reward) for name in (DEFAULTS_NAME, COMPACT_NAME, TUNED, "preset photo")}
            | {best_of("random", 40): outcome(reward, tries=40)},
            np.zeros(40),
        )
        for index, reward in enumerate(rewards)
    ]
    with TrainingMonitor(folder, settings=RecorderSettings(system_interval_s=None)) as monitor:
        monitor.log_episode(1, 0.0, 1)
        record_evaluation(monitor, rows)
    return SeedResult(folder / "model", monitor.path, {128: rows})


def test_first_try_is_compared_with_methods_of_one_try(tmp_path: Path) -> None:
    """There is one sentence per rival that makes one try; presets and searches are in the table only."""
    said = verdicts([result(tmp_path)])

    assert sorted(sentence.partition(":")[0] for sentence in said) == sorted(
        f"first try vs. {name}" for name in (DEFAULTS_NAME, COMPACT_NAME, TUNED)
    )
    assert all("better; reward difference +1.00 (+1.00 to +1.00) over 12 logos" in sentence for sentence in said)


@pytest.mark.parametrize(("seeds", "processes", "together"), [(1, 1, 1), (100, 1, None), (4, 10_000, 1)])
def test_parallel_trainings_fit_the_processors(seeds: int, processes: int, together: int | None) -> None:
    """There are at most as many trainings as seeds, and at most as many processes as processors."""
    assert at_once(seeds, processes) == (together or min(seeds, os.cpu_count() or 1))
