"""After any argument values, the run can be written, closed and read."""

import contextlib
import fractions
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlvitals import TrainingMonitor
from rlvitals.errors import RecordError, RlvitalsError
from rlvitals.runs import Run
from rlvitals.runs.lock import read_heartbeat

OpenMonitor = Callable[..., TrainingMonitor]


class Hopeless:
    """An object whose conversions raise."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __float__ = item = __str__


ODD: list[Any] = [
    *(10.5, math.inf, -math.inf, math.nan, 1e300, -1, True, 2**70, 10**400, 1j, fractions.Fraction(1, 3)),
    *(10**5000, {"a": -(10**5000)}),
    *("x", "\ud800", "\0", "a" * 3000, b"x", None, [1], set(), {}, {"a": 2**70}, {"a": "\ud800"}, {"\ud800": 1}),
    *({1: object()}, {"a": {"b": [math.nan, Hopeless()]}}, object(), Hopeless(), len),
    *(np.int64(5), np.float32(3.5), np.array([1, 2]), np.array([7])),
]
CALLS: dict[str, Callable[[TrainingMonitor, Any], object]] = {
    "advance": lambda m, v: m.advance(v),
    "set_goals": lambda m, v: m.set_goals(total_timesteps=v),
    "set_goals of a target": lambda m, v: m.set_goals(target=v),
    "update_configuration": lambda m, v: m.update_configuration(v),
    "update_configuration of a value": lambda m, v: m.update_configuration({"a": v}),
    "a configuration that is changed behind the monitor's back": lambda m, v: m.session.configuration["n"].update(v=v),
    "log_event": lambda m, v: m.log_event(v, v, data=v),
    "log_event at a step": lambda m, v: m.log_event("a", "b", env_step=v, episode=v),
    "log_event of a severity": lambda m, v: m.log_event("a", "b", severity=v, code=v, time=v),
    "rewind": lambda m, v: m.rewind(env_step=v),
    "rewind of other clocks": lambda m, v: m.rewind(episode=v, step=v),
    "log_image": lambda m, v: m.log_image("a", v),
    "log_image of a name": lambda m, v: m.log_image(v, np.zeros((2, 2))),
    "log_image of a group": lambda m, v: m.log_image("a", np.zeros((2, 2)), group=v, caption=v, metrics=v),
    "log_episode": lambda m, v: m.log_episode(1, 1.0, 2, env_step=v, time=v),
    "log_training_step": lambda m, v: m.log_training_step(1, env_step=v),
    "log_evaluation": lambda m, v: m.log_evaluation(1, 1.0, env_step=v),
    "log_metrics": lambda m, v: m.log_metrics("a", {"x": v}, step=v, env_step=v),
    "pause": lambda m, _: m.pause(),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_value_prevents_closing_a_run(open_monitor: OpenMonitor, call: str) -> None:
    """Each value is rejected or converted, and the header and the heartbeat stay writable and readable."""
    monitor = open_monitor(configuration={"n": {}})
    for value in ODD:
        with contextlib.suppress(RlvitalsError):
            CALLS[call](monitor, value)
        monitor.save_session()
        monitor._recorder._maintenance.beat()
    monitor.close()

    assert Run(monitor.path).header.status == "completed"
    assert read_heartbeat(monitor.path / "writer.lock") is not None


@pytest.mark.parametrize("option", ["tags", "project_name", "configuration", "total_timesteps", "target"])
def test_no_option_makes_a_run_that_cannot_be_read(tmp_path: Path, option: str) -> None:
    """Each value is rejected before the folder is created, or the run is valid."""
    for value in ODD:
        with contextlib.suppress(RlvitalsError):
            options: dict[str, Any] = {option: [value] if option == "tags" else value}
            TrainingMonitor(tmp_path / "logs", **options).close()

    assert {Run(path).header.status for path in (tmp_path / "logs").iterdir()} == {"completed"}


@pytest.mark.parametrize("value", [10.5, math.inf, math.nan, -1, True, "x", 2**70, [1], None, np.array([1, 2])])
def test_progress_that_is_not_a_step_is_rejected(open_monitor: OpenMonitor, value: Any) -> None:
    """The error names the call and the requirement, and the step of the monitor is unchanged."""
    monitor = open_monitor()
    monitor.advance(7)
    with pytest.raises(
        RecordError, match=r"advance: env_step must be (a whole number of at least 0|below 2\*\*63), got"
    ):
        monitor.advance(value)

    assert monitor.env_step == 7


@pytest.mark.parametrize("value", [np.int64(9), np.uint8(9), 9.0, np.float32(9), np.array([9]), np.array(9)])
def test_progress_can_be_any_whole_number(open_monitor: OpenMonitor, value: Any) -> None:
    """Whole numbers of any numeric type are converted to a Python int."""
    monitor = open_monitor()
    monitor.advance(value)

    assert (monitor.env_step, type(monitor.env_step)) == (9, int)


@pytest.mark.parametrize("name", ["env_step", "episode", "step"])
def test_a_rewind_to_an_invalid_step_is_rejected(open_monitor: OpenMonitor, name: str) -> None:
    """The error names the argument and the value, and the run is unchanged."""
    monitor = open_monitor()
    with pytest.raises(RecordError, match=re.escape(f"rewind: {name} must be a whole number of at least 0, got -1")):
        monitor.rewind(**{name: -1})

    assert len(monitor.run.header.writers) == 1
