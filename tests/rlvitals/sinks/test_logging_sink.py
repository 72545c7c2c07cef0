"""Records as structured log messages."""

import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.records import Episode, Event, PolicyUpdate, Record, Scalars, SystemSample, codec_of
from rlvitals.records.kinds import STREAMS
from rlvitals.sinks import LoggingSink, Sink, SinkContext
from rlvitals.testing.sinks import SinkContract

EPISODE = Episode(time=1.0, episode=3, reward=1.5, length=10, success=True, category="plain text")


class Lines(logging.Handler):
    """Handler that stores the log records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("tests.lines")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def logged(lines: Lines, *records: Record, **options: object) -> list[str]:
    sink = LoggingSink("tests.lines", **options)  # type: ignore[arg-type]
    for record in records:
        sink.write(record)
    sink.close()
    return lines.messages


class TestContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _with_lines(self, lines: Lines) -> None:
        self.lines = lines

    def make_sink(self) -> Sink:
        return LoggingSink("tests.lines", form="json")

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        found: list[Record] = []
        for message in self.lines.messages:
            said = json.loads(message)
            kind = STREAMS[said.pop("stream")]
            found.append(codec_of(kind).unpack(json.dumps(said).encode()))
        return found


def test_a_message_has_the_fields_of_the_record(lines: Lines) -> None:
    """Missing fields are omitted, and values with spaces are quoted."""

    assert logged(lines, EPISODE) == [
        'episodes time=1.0 writer=1 episode=3 reward=1.5 length=10 success=true category="plain text"'
    ]


def test_a_json_message_is_one_object(lines: Lines) -> None:
    """It is one line and includes the stream."""

    (message,) = logged(
        lines, Event(time=1.0, kind="note", message='two\nlines "quoted"', data={"a": [1]}), form="json"
    )
    assert "\n" not in message
    assert json.loads(message) == {
        "stream": "events",
        "time": 1.0,
        "writer": 1,
        "kind": "note",
        "message": 'two\nlines "quoted"',
        "data": {"a": [1]},
    }


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_message_is_one_line(lines: Lines, form: str) -> None:
    """Line breaks and control characters in texts are escaped."""

    (message,) = logged(lines, Event(time=1.0, kind="a\nb", message="c\r\x1bd", data={"e\n": "f\n"}), form=form)
    assert not {"\n", "\r", "\x1b"} & set(message)


def test_non_finite_values_are_spelled_out(lines: Lines) -> None:
    """They are spelled as in the run folder."""

    update = PolicyUpdate(time=1.0, step=1, policy_loss=math.nan, value_loss=-math.inf, extra={"x": math.inf})
    assert logged(lines, update) == [
        r'updates time=1.0 writer=1 step=1 policy_loss=NaN value_loss=-Infinity extra="{\"x\":\"Infinity\"}"'
    ]


def test_default_levels_depend_on_the_stream(lines: Lines) -> None:
    """Episodes are logged at DEBUG, updates at INFO, and findings at the level of their severity."""

    logged(
        lines,
        EPISODE,
        SystemSample(time=1.0),
        Scalars(time=1.0, step=1, category="mine", values={}),
        PolicyUpdate(time=1.0, step=1),
        Event(time=1.0, kind="note", message="m"),
        Event(time=1.0, kind="finding", message="m", severity="warning"),
        Event(time=1.0, kind="finding", message="m", severity="critical"),
    )
    assert [record.levelname for record in lines.records] == [
        "DEBUG",
        "DEBUG",
        "DEBUG",
        "INFO",
        "INFO",
        "WARNING",
        "ERROR",
    ]


def test_levels_can_be_chosen(lines: Lines) -> None:
    """Levels are set by name or number for each stream. Records below the level of the logger are not logged."""

    logging.getLogger("tests.lines").setLevel(logging.INFO)
    logged(lines, EPISODE, PolicyUpdate(time=1.0, step=1), levels={"episodes": "info", "updates": logging.DEBUG})
    assert [(record.levelname, record.getMessage().split()[0]) for record in lines.records] == [("INFO", "episodes")]


def test_handlers_get_the_record_itself(lines: Lines) -> None:
    """The log record has the record as the attribute `rlvitals`."""

    logged(lines, EPISODE)
    assert vars(lines.records[0])["rlvitals"] is EPISODE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "xml"}, "form='xml': must be 'logfmt' or 'json'"),
        ({"levels": {"episode": "INFO"}}, r"unknown stream 'episode'\. The streams are episodes, updates"),
    ],
)
def test_invalid_arguments_are_rejected(options: dict[str, object], message: str) -> None:
    """The error lists the valid values."""

    with pytest.raises(ValueError, match=message):
        LoggingSink(**options)  # type: ignore[arg-type]


def test_each_message_names_the_run(lines: Lines, context: SinkContext) -> None:
    """This distinguishes runs that log to the same place."""

    sink = LoggingSink("tests.lines")
    sink.begin(context)
    sink.write(Event(time=1.0, kind="note", message="m"))
    assert lines.messages == ['events run="ppo 1" time=1.0 writer=1 kind=note message=m']


def test_a_monitor_creates_the_sink_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`sinks=["logging"]` logs to `rlvitals.records`, which has the level of the logger `rlvitals` by default."""

    with (
        caplog.at_level(logging.INFO, "rlvitals"),
        TrainingMonitor(tmp_path, session_name="a", sinks=["logging"]) as monitor,
    ):
        monitor.log_training_step(5, policy_loss=0.5)
    said = [record.getMessage() for record in caplog.records if record.name == "rlvitals.records"]
    assert [message.split()[:2] for message in said] == [["events", "run=a"], ["updates", "run=a"], ["events", "run=a"]]
