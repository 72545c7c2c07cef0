"""A slowdown during training is a fault, but the end of a fast warm-up is not."""

import numpy as np
import pytest

from rlvitals.diagnosis import Context, EvidenceBuilder, diagnose, hyperparameters_of
from rlvitals.records import Episode, PolicyUpdate

Speeds = list[tuple[float, float]]
"""Shares of the steps, and the steps per second in each."""


def slow(speeds: Speeds, *, rise: float = 0.0, updates_from: float | None = None, **configuration: object) -> bool:
    """Return whether a run of 200 episodes of 100 steps is reported to have slowed down.

    Args:
        speeds: Share of the steps and speed of each stretch of the run.
        rise: Rise of the returns over the run, in standard deviations.
        updates_from: Share of the steps from which updates are logged; by default none are.
        **configuration: Configuration of the run.
    """
    generator, collector, time = np.random.default_rng(0), EvidenceBuilder(), 1.7e9
    ends = np.cumsum([share for share, _ in speeds])
    for episode in range(200):
        along, step = episode / 200, 100 * (episode + 1)
        time += 100.0 / speeds[int(np.searchsorted(ends, along, side="right"))][1] * generator.uniform(0.8, 1.2)
        reward = float(generator.standard_normal()) + rise * along
        collector.add(Episode(time=time, episode=episode, reward=reward, length=100, env_step=step))
        if updates_from is not None:
            collector.add(PolicyUpdate(time=time, step=step, env_step=step, loss=1.0 if along >= updates_from else 0.0))
    context = Context(settings=hyperparameters_of(configuration), status="completed")
    return "throughput-drop" in {finding.code for finding in diagnose(collector.evidence(context)).findings}


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_fast_phase_before_the_first_update_is_not_the_usual_speed(share: float) -> None:
    """The warm-up ends at `learning_starts`, at the first loss, or by default while returns do not rise."""

    speeds = [(share, 2000.0), (1.0 - share, 160.0)]
    assert not slow(speeds)
    assert not slow(speeds, algorithm="DQN")
    assert not slow(speeds, learning_starts=int(share * 20_000))
    assert not slow(speeds, updates_from=share)


def test_a_drop_after_the_warm_up_is_found() -> None:
    """The usual speed is that between the warm-up and the drop."""

    speeds = [(0.2, 2000.0), (0.3, 400.0), (0.5, 80.0)]
    assert slow(speeds)
    assert slow(speeds, learning_starts=4_000)
    assert slow(speeds, updates_from=0.2)


def test_a_drop_without_a_warm_up_is_found() -> None:
    """On-policy algorithms, updates or rising returns show that there was no warm-up."""

    speeds = [(0.4, 1000.0), (0.6, 150.0)]
    assert slow(speeds, algorithm="PPO")
    assert slow(speeds, updates_from=0.0)
    assert slow(speeds, rise=12.0)
    assert slow([(0.7, 1000.0), (0.3, 150.0)])  # too long for a warm-up
