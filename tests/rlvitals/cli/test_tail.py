"""`rlvitals tail`."""

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
    """The lines of an open segment, as a person with `tail -f` sees them."""
    return (run / stream / "000001.jsonl").read_text().splitlines()


def test_the_last_records_are_printed_under_their_titles(invoke: Invoke, monitor: Monitor) -> None:
    """Columns that no record has a value for are left out."""
    with monitor() as training:
        logged(training, range(20))
    shown = [line.split() for line in invoke("tail", "run", "-n", 2).stdout.splitlines()]

    assert shown[0] == ["time", "episode", "step", "reward", "length", "success", "end"]
    assert [line[1:] for line in shown[1:]] == [
        ["18", "18", "9", "1", "no", "max_steps"],
        ["19", "19", "9.5", "1", "no", "max_steps"],
    ]


def test_what_is_not_a_number_and_what_is_absent_are_seen(invoke: Invoke, monitor: Monitor) -> None:
    """As two different things."""
    with monitor() as training:
        training.log_training_step(step=1, value_loss=math.nan)
        training.log_training_step(step=2, entropy=-math.inf)
    shown = [line.split()[1:] for line in invoke("tail", "run", "--stream", "updates").stdout.splitlines()]

    assert shown == [["step", "value", "entropy"], ["1", "NaN", "-"], ["2", "-", "-Infinity"]]


@pytest.mark.parametrize("stream", STREAMS)
def test_every_stream_can_be_printed(invoke: Invoke, monitor: Monitor, stream: str) -> None:
    """On a line each, of at most eighty columns where no text is long."""
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
    """Field for field, spelled the same."""
    with monitor() as training:
        training.log_episode(0, math.nan, 1, own=math.inf, info={"deep": [1, {"er": -math.inf}]})
        training.log_training_step(step=1, value_loss=0.5)
        training.log_metrics("logos", {"paths": 12, "bytes": math.nan})
    printed = invoke("tail", "run", "--stream", stream, "--json").stdout

    assert printed.replace('"writer":1,', "").splitlines() == [
        line.replace('"writer":1,', "") for line in lines_of(training.path, stream)
    ]


@pytest.mark.parametrize(("number", "lines"), [(0, 0), (3, 4), (99, 6)])
def test_as_many_are_printed_as_are_asked_for(invoke: Invoke, monitor: Monitor, number: int, lines: int) -> None:
    """And as there are; a title stands above them."""
    with monitor() as training:
        logged(training, range(5))

    assert len(invoke("tail", "run", "-n", number).stdout.splitlines()) == lines


def test_a_stream_without_records_prints_nothing(invoke: Invoke, monitor: Monitor) -> None:
    """It is no failure."""
    monitor().close()
    result = invoke("tail", "run")

    assert (result.exit_code, result.stdout) == (0, "")


def test_a_live_run_can_be_looked_at_without_following(invoke: Invoke, monitor: Monitor) -> None:
    """For scripts: it ends at once."""
    with monitor() as training:
        logged(training, range(3))
        result = invoke("tail", "run", "--no-follow", "--json")

    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 3)


def test_ctrl_c_ends_it_quietly(invoke: Invoke, monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was printed stays; nothing is said about it."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with monitor() as training:
        logged(training, range(3))
        result = invoke("tail", "run", "-f")

    assert (result.exit_code, len(result.stdout.splitlines()), result.stderr) == (0, 4, "")


def test_when_a_run_is_over_it_says_so(invoke: Invoke, monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """On standard error, as it is no record."""
    training = monitor()
    monkeypatch.setattr(time, "sleep", lambda _: training.close())
    result = invoke("tail", "run")

    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "",
        "run has no episodes yet\nrun is over: completed\n",
    )


def test_an_abandoned_branch_is_left_out(invoke: Invoke, monitor: Monitor) -> None:
    """The last records are those of the branch that goes on."""
    with monitor() as training:
        logged(training, range(10))
        training.rewind(env_step=4)
        training.log_episode(5, 0.0, 1, env_step=5, success=True)
        before = invoke("tail", "run", "-n", 3, "--no-follow").stdout
    after = invoke("tail", "run", "-n", 3).stdout

    assert [line.split()[1] for line in after.splitlines()] == ["episode", "3", "4", "5"]
    assert before == after


def test_an_unknown_stream_is_refused_with_those_there_are(invoke: Invoke, monitor: Monitor) -> None:
    """As the help names them."""
    monitor().close()
    result = invoke("tail", "run", "--stream", "rewards")

    assert result.exit_code == 2
    assert all(stream in result.stderr for stream in STREAMS)


def test_a_stream_without_records_says_so(invoke: Invoke, monitor: Monitor) -> None:
    """On standard error: what is piped is records."""
    monitor().close()
    result = invoke("tail", "run", "--stream", "evaluations")

    assert (result.exit_code, result.stdout, result.stderr.splitlines()[0]) == (0, "", "run has no evaluations yet")
