"""Tests of `rlvitals tail`."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.records import STREAMS, SystemSample

Invoke = Callable[..., Result]
Monitor = Callable[..., TrainingMonitor]


def logged(training: TrainingMonitor, numbers: Iterator[int] | range) -> None:
    for number in numbers:
        training.log_episode(number, number / 2, 1, env_step=number, success=False, termination_reason="max_steps")


def lines_of(run: Path, stream: str) -> list[str]:
    """Return the lines of an open segment."""
    return (run / stream / "000001.jsonl").read_text().splitlines()


def test_the_last_records_are_printed_under_their_titles(invoke: Invoke, monitor: Monitor) -> None:
    """Columns without values are omitted."""
    with monitor() as training:
        logged(training, range(20))
    shown = [line.split() for line in invoke("tail", "run", "-n", 2).stdout.splitlines()]

    assert shown[0] == ["time", "episode", "step", "reward", "length", "success", "end"]
    assert [line[1:] for line in shown[1:]] == [
        ["18", "18", "9", "1", "no", "max_steps"],
        ["19", "19", "9.5", "1", "no", "max_steps"],
    ]


def test_non_finite_and_missing_values_are_distinguished(invoke: Invoke, monitor: Monitor) -> None:
    """NaN and infinities are spelled, and missing values are `-`."""
    with monitor() as training:
        training.log_training_step(step=1, value_loss=math.nan)
        training.log_training_step(step=2, entropy=-math.inf)
    shown = [line.split()[1:] for line in invoke("tail", "run", "--stream", "updates").stdout.splitlines()]

    assert shown == [["step", "value", "entropy"], ["1", "NaN", "-"], ["2", "-", "-Infinity"]]


@pytest.mark.parametrize("stream", STREAMS)
def test_every_stream_can_be_printed(invoke: Invoke, monitor: Monitor, stream: str) -> None:
    """Each record is one line of at most eighty columns."""
    with monitor() as training:
        training.log_episode(100_000, -1234.5, 9_999, 0.1, 0.9, success=True, env_step=9_999_999, category="gradient")
        training._recorder.write(SystemSample(time=0.0, env_step=9_999_999, memory=12_345.6, gpu_memory=12_345.6))
        training.log_training_step(9_999_999, -1.23456e-5, 1e5, 1e-5, -1e-5, 3e-4, 123.456, clip_fraction=0.12345)
        training.log_evaluation(1_000_000, -1234.5, 0.12345, 0.5, eval_episodes=100, reward_std=123.4, env_step=10**7)
        training.log_metrics("logos", {"paths": 12, "bytes": math.nan, "palette": "warm"})
        training.log_event("finding", "two\nlines", severity="critical")
    result = invoke("tail", "run", "--stream", stream)

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert len(result.stdout.splitlines()) == 1 + sum(1 for _ in training.run.records(stream))


@pytest.mark.parametrize("stream", ["episodes", "updates", "scalars", "events"])
def test_json_lines_are_those_of_the_run_folder(invoke: Invoke, monitor: Monitor, stream: str) -> None:
    """All fields have the same spelling."""
    with monitor() as training:
        training.log_episode(0, math.nan, 1, own=math.inf, info={"deep": [1, {"er": -math.inf}]})
        training.log_training_step(step=1, value_loss=0.5)
        training.log_metrics("logos", {"paths": 12, "bytes": math.nan})
    printed = invoke("tail", "run", "--stream", stream, "--json").stdout

    assert printed.replace('"writer":1,', "").splitlines() == [
        line.replace('"writer":1,', "") for line in lines_of(training.path, stream)
    ]


@pytest.mark.parametrize(("number", "lines"), [(0, 0), (3, 4), (99, 6)])
def test_number_limits_the_records(invoke: Invoke, monitor: Monitor, number: int, lines: int) -> None:
    """At most that many records are printed, below the titles."""
    with monitor() as training:
        logged(training, range(5))

    assert len(invoke("tail", "run", "-n", number).stdout.splitlines()) == lines


def test_a_stream_without_records_prints_nothing(invoke: Invoke, monitor: Monitor) -> None:
    """The exit code is 0."""
    monitor().close()
    result = invoke("tail", "run")

    assert (result.exit_code, result.stdout) == (0, "")


def test_no_follow_exits_immediately(invoke: Invoke, monitor: Monitor) -> None:
    """Scripts can read a live run."""
    with monitor() as training:
        logged(training, range(3))
        result = invoke("tail", "run", "--no-follow", "--json")

    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 3)


def test_ctrl_c_exits_without_a_message(invoke: Invoke, monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed records stay."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with monitor() as training:
        logged(training, range(3))
        result = invoke("tail", "run", "-f")

    assert (result.exit_code, len(result.stdout.splitlines()), result.stderr) == (0, 4, "")


def test_the_end_of_a_run_is_reported(invoke: Invoke, monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is on standard error, because it is not a record."""
    training = monitor()
    monkeypatch.setattr(time, "sleep", lambda _: training.close())
    result = invoke("tail", "run")

    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "",
        "run has no episodes yet\nrun has ended: completed\n",
    )


def test_an_abandoned_branch_is_omitted(invoke: Invoke, monitor: Monitor) -> None:
    """The last records are those of the current branch."""
    with monitor() as training:
        logged(training, range(10))
        training.rewind(env_step=4)
        training.log_episode(5, 0.0, 1, env_step=5, success=True)
        before = invoke("tail", "run", "-n", 3, "--no-follow").stdout
    after = invoke("tail", "run", "-n", 3).stdout

    assert [line.split()[1] for line in after.splitlines()] == ["episode", "3", "4", "5"]
    assert before == after


def test_an_unknown_stream_is_refused(invoke: Invoke, monitor: Monitor) -> None:
    """The error lists the available streams."""
    monitor().close()
    result = invoke("tail", "run", "--stream", "rewards")

    assert result.exit_code == 2
    assert all(stream in result.stderr for stream in STREAMS)


def test_a_stream_without_records_is_reported(invoke: Invoke, monitor: Monitor) -> None:
    """The message is on standard error, because a pipe gets only records."""
    monitor().close()
    result = invoke("tail", "run", "--stream", "evaluations")

    assert (result.exit_code, result.stdout, result.stderr.splitlines()[0]) == (0, "", "run has no evaluations yet")
