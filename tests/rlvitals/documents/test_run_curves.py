"""Tests of the curves of a run."""

from collections.abc import Callable

import numpy as np
import pytest

from rlvitals import TrainingMonitor, open_run
from rlvitals.documents.charts import Line
from rlvitals.documents.run_curves import curves_of
from rlvitals.documents.run_data import recorded_of

Monitor = Callable[..., TrainingMonitor]


def smoothed(monitor: Monitor, episodes: int, reward: Callable[[int], float]) -> Line:
    with monitor() as training:
        for at in range(episodes):
            training.log_episode(at, reward(at), 1, env_step=at)
    return curves_of(recorded_of(open_run(training.path)))["reward"].lines[-1]


@pytest.mark.parametrize("episodes", [30, 200, 801])
def test_a_smoothed_line_lies_on_a_ramp_from_end_to_end(monitor: Monitor, episodes: int) -> None:
    """A smoothed line neither lags behind the values nor ends half a window early."""
    line = smoothed(monitor, episodes, float)
    window = max(5, episodes // 40)

    np.testing.assert_allclose(line.y, line.x, atol=0.51)
    assert (np.diff(line.x) > 0).all()
    assert line.x[0] <= window / 8
    assert line.x[-1] >= episodes - 1 - window / 8 - 1


def test_a_smoothed_line_does_not_end_on_a_single_value(monitor: Monitor) -> None:
    """One outlier at each end of a long run moves the smoothed line by a fraction of its height."""
    line = smoothed(monitor, 800, lambda at: 100.0 if at in {0, 799} else 0.0)

    assert max(line.y[0], line.y[-1]) <= 20.0
