"""The vital signs in one line of the terminal."""

import io
import math

import pytest

from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, SystemSample
from rlvitals.sinks import Sink, TerminalSink
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.testing.sinks import SinkContract


class Terminal(io.StringIO):
    """A stream that reports to be a terminal."""

    def isatty(self) -> bool:
        return True


class TestContractOnATerminal(SinkContract):
    kinds = frozenset()  # none can be read back from a line

    def make_sink(self) -> Sink:
        return TerminalSink(Terminal(), clock=ManualClock())

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


class TestContractElsewhere(SinkContract):
    kinds = frozenset()  # none can be read back from a line

    def make_sink(self) -> Sink:
        return TerminalSink(io.StringIO(), interval_s=0.0, clock=ManualClock())

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def episode(reward: float = 1.0, *, success: bool | None = None, env_step: int | None = None) -> Episode:
    return Episode(time=1.0, episode=1, reward=reward, length=10, success=success, env_step=env_step)


def line_of(*records: Record, total: int | None = None) -> str:
    sink = TerminalSink(io.StringIO(), total=total, clock=ManualClock())
    for record in records:
        sink.write(record)
    return sink.line()


def test_the_line_before_the_first_record() -> None:
    """It has only the step and the number of episodes."""

    assert line_of() == "step 0 | episodes 0"


def test_the_whole_line() -> None:
    """It has the progress, episodes, mean reward, success rate, last update and throughput, in this order."""

    line = line_of(
        episode(1.0, success=True, env_step=1_000),
        episode(2.5, success=False, env_step=2_500),
        PolicyUpdate(time=2.0, step=2_048, env_step=2_048, kl_divergence=0.0123456, entropy=1.25),
        SystemSample(time=4.0, env_step=2_500, env_steps_per_second=0.0),
        total=10_000,
    )
    assert line == (
        "step 2,500/10,000 (25 %) | episodes 2 | reward 1.75 | success 50 % | KL 0.0123 | entropy 1.25 | 500 steps/s"
    )


def test_the_step_never_decreases() -> None:
    """A record with a lower step does not change the step of the line."""

    assert line_of(episode(env_step=500), episode(env_step=300)).startswith("step 500 ")


def test_the_mean_is_over_the_last_hundred_episodes() -> None:
    """After 150 episodes, the mean is that of the last hundred, which all have a reward of 3."""

    assert "reward 3 |" in line_of(*[episode(9.0)] * 50, *[episode(3.0, success=True)] * 100)


@pytest.mark.parametrize(
    ("rewards", "shown"),
    [
        ([1.0, math.nan], "1 (1 non-finite)"),
        ([-math.inf, 1.0], "1 (1 non-finite)"),
        ([math.inf, -math.inf], "- (2 non-finite)"),
        ([1e308, 1e308], "Infinity"),
    ],
)
def test_non_finite_rewards_are_counted(rewards: list[float], shown: str) -> None:
    """The mean ignores them, and the line shows their number. A sum beyond the largest float is infinite."""

    assert line_of(*[episode(reward) for reward in rewards]) == f"step 0 | episodes 2 | reward {shown}"


def test_a_non_finite_update_metric_is_shown() -> None:
    """NaN and infinities are spelled out."""

    line = line_of(PolicyUpdate(time=1.0, step=1, kl_divergence=math.nan, entropy=-math.inf))
    assert line.endswith("| KL NaN | entropy -Infinity")


def test_on_a_terminal_the_line_is_overwritten(clock: ManualClock) -> None:
    """Each line is padded to cover the previous one, and `close` ends it with a line break."""

    stream = Terminal()
    sink = TerminalSink(stream, clock=clock)
    clock.advance(0.5)
    sink.write(episode(123.456))
    clock.advance(0.5)
    sink.write(episode(-123.456))
    sink.close()
    assert stream.getvalue() == (
        "\rstep 0 | episodes 1 | reward 123\rstep 0 | episodes 2 | reward 0  \rstep 0 | episodes 2 | reward 0\n"
    )


def test_a_line_does_not_wrap(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line wider than the terminal cannot be overwritten, so it is truncated."""

    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    TerminalSink(stream, clock=clock).close()
    assert stream.getvalue() == "\rstep 0 | episodes 0\n"[:20] + "\n"


def test_a_log_file_gets_a_line_every_half_minute(clock: ManualClock) -> None:
    """In outputs other than a terminal, each line is separate and complete."""

    stream = io.StringIO()
    sink = TerminalSink(stream, clock=clock)
    for _ in range(61):
        clock.advance(1.0)
        sink.write(episode())
    assert stream.getvalue() == "step 0 | episodes 30 | reward 1\nstep 0 | episodes 60 | reward 1\n"


def test_the_interval_can_be_set(clock: ManualClock) -> None:
    """The line is drawn with the first record after the interval, and not before."""

    stream = io.StringIO()
    sink = TerminalSink(stream, interval_s=5.0, clock=clock)
    clock.advance(4.9)
    sink.write(episode())
    assert stream.getvalue() == ""
    clock.advance(0.1)
    sink.write(episode())
    assert stream.getvalue() == "step 0 | episodes 2 | reward 1\n"


def test_closing_draws_the_last_line(clock: ManualClock) -> None:
    """A training shorter than the interval is shown once."""

    stream = io.StringIO()
    sink = TerminalSink(stream, clock=clock)
    sink.write(episode())
    sink.close()
    sink.close()
    assert stream.getvalue() == "step 0 | episodes 1 | reward 1\n"


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_a_serious_event_gets_a_separate_line(clock: ManualClock, severity: str) -> None:
    """It is printed immediately above the live line, and overwrites the old live line."""

    stream = Terminal()
    sink = TerminalSink(stream, clock=clock)
    clock.advance(1.0)
    sink.write(episode())
    sink.write(Event(time=1.0, kind="finding", severity=severity, message="loss is NaN"))
    drawn, printed = stream.getvalue().split("\r")[1:]
    assert printed == f"{severity}: loss is NaN".ljust(len(drawn)) + "\n"


def test_an_event_of_severity_info_is_not_printed(clock: ManualClock) -> None:
    """A change of the run status is an example."""

    stream = io.StringIO()
    TerminalSink(stream, clock=clock).write(Event(time=1.0, kind="state", severity="info", message="started"))
    assert stream.getvalue() == ""


def test_a_message_cannot_control_the_terminal(clock: ManualClock) -> None:
    """Line breaks and escape sequences in a message, such as in a file name, are escaped."""

    stream = io.StringIO()
    message = "bad logo a\nb\x1b[2J.png"
    TerminalSink(stream, clock=clock).write(Event(time=1.0, kind="x", severity="warning", message=message))
    assert stream.getvalue() == "warning: bad logo a\\nb\\x1b[2J.png\n"


def test_an_evaluation_gets_a_separate_line(clock: ManualClock) -> None:
    """The line has the reported values and the name of the policy."""

    stream = io.StringIO()
    sink = TerminalSink(stream, clock=clock)
    sink.write(Evaluation(time=1.0, episode=10, reward=1.5, success_rate=0.25))
    sink.write(Evaluation(time=1.0, episode=10, quality=math.nan, policy="defaults"))
    assert stream.getvalue() == ("evaluation: reward 1.5, success 25 %\nevaluation of defaults: quality NaN\n")


def test_the_default_stream_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is left to the program."""

    TerminalSink().close()
    assert capsys.readouterr() == ("", "step 0 | episodes 0\n")


def test_a_rewind_removes_the_abandoned_episodes() -> None:
    """The count and the mean of the line exclude them."""
    back = Event(time=1.0, kind="rewind", message="rewound to episode 1", data={"episodes": 1})

    assert line_of(episode(1.0), episode(50.0), back, episode(3.0)) == "step 0 | episodes 2 | reward 2"


def test_a_resumed_run_counts_its_previous_episodes() -> None:
    """Their number is in the event of the resume."""
    resumed = Event(time=1.0, kind="state", message="resumed", data={"episodes": 250})

    assert line_of(resumed, episode(3.0)) == "step 0 | episodes 251 | reward 3"
