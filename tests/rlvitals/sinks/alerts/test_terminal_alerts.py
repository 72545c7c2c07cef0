"""Alerts on the terminal."""

import io
from collections.abc import Callable

from rlvitals.records import Event, Record
from rlvitals.sinks import Sink
from rlvitals.sinks.alerts import TerminalAlerts
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]


class Terminal(io.StringIO):
    """A stream that reports to be a terminal."""

    def isatty(self) -> bool:
        return True


class TestContract(SinkContract):
    kinds = frozenset()  # alerts cannot be read back as records

    def make_sink(self) -> Sink:
        return TerminalAlerts(Terminal())

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_a_terminal_rings_the_bell_and_shows_a_line(finding: MakeFinding) -> None:
    """The live line is cleared first, and drawn again below."""

    stream = Terminal()
    TerminalAlerts(stream).write(finding())
    assert stream.getvalue() == (
        "\r\x1b[K\a\x1b[1;31mcritical: kl-too-large\x1b[0m: The policy moves too far in each update. (step 20,480)\n"
    )


def test_the_bell_can_be_turned_off(finding: MakeFinding) -> None:
    """The output then has no bell character."""

    stream = Terminal()
    TerminalAlerts(stream, bell=False).write(finding())
    assert "\a" not in stream.getvalue()


def test_a_file_gets_only_the_line(finding: MakeFinding) -> None:
    """It has no bell and no colour, lists the alerts held back, and control characters are escaped."""

    stream = io.StringIO()
    sink = TerminalAlerts(stream, most=1)
    for code in ("a", "b"):
        sink.write(finding(code, message="x\x1b]0;title\a\ny", env_step=None))
    sink.close()
    assert (
        stream.getvalue()
        == "critical: a: x\\x1b]0;title\\x07\\ny\ncritical: alerts: Alerts were held back; 1 more: b 1\n"
    )
