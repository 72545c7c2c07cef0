"""The wrappers with every Gymnasium from 1.0. Before 1.1, a vector environment has one, unnamed autoreset mode."""

from typing import Any

from gymnasium.vector import SyncVectorEnv

from rlvitals import TrainingMonitor
from rlvitals.adapters.gymnasium import VitalsVectorWrapper, VitalsWrapper


def _recorded(env: Any, monitor: TrainingMonitor, steps: int) -> list[tuple[int | None, float, int, int | None]]:
    env.reset(seed=1)
    for _ in range(steps):
        env.step(env.action_space.sample())
    return [(e.env_index, e.reward, e.length, e.env_step) for e in monitor.run.records("episodes")]


def test_one_environment_is_recorded(walk: Any, monitor: TrainingMonitor) -> None:
    """An episode of four steps is recorded."""
    assert _recorded(VitalsWrapper(walk(4), monitor), monitor, 4) == [(None, 4.0, 4, 4)]


def test_a_vector_environment_is_recorded_with_the_default_autoreset(walk: Any, monitor: TrainingMonitor) -> None:
    """The step after each end only resets, so episodes of two steps end at vector steps 2 and 5."""
    env = VitalsVectorWrapper(SyncVectorEnv([lambda: walk(2), lambda: walk(3)]), monitor)

    assert _recorded(env, monitor, 6) == [(0, 2.0, 2, 4), (1, 3.0, 3, 6), (0, 2.0, 2, 10)]
