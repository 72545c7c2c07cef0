"""Recorded texts cannot forge a line, control a terminal or change the text direction in any output."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.cli.main import app
from rlvitals.render.report_writer import write_report
from rlvitals.sinks import TerminalSink
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.text_escaping import escape_control

QUIET = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
CONTROLS = "\x00\x07\x08\r\n\t\x0b\x0c\x1b\x7f\x85\x9b\u2028\u2029"
HOSTILE = f"x\nFORGED{BIDI}{UNSEEN}{CONTROLS}\x1b[31my"
NAME = f"run\nFORGED{BIDI}\x1b[31m"


@pytest.mark.parametrize("sign", [*BIDI, *UNSEEN, *CONTROLS, "\ud800", "\U000e0041"])
def test_an_invisible_character_is_escaped(sign: str) -> None:
    """The escape identifies the character."""
    shown = escape_control(f"a{sign}b")

    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_escapes_have_the_form_of_python_literals() -> None:
    """The code points are hexadecimal."""
    assert escape_control("a\nb\x1b[0m\u202e\U000e0041") == r"a\nb\x1b[0m\u202e\U000e0041"


@pytest.mark.parametrize("text", ["", "plain", "Grüße, 世界 🌍", "naïve café", "עברית", "a\\nb"])
def test_other_texts_are_kept(text: str) -> None:
    """Text in any script is unchanged."""
    assert escape_control(text) == text


def test_spaces_of_other_widths_are_spaces() -> None:
    """They are visible, but cannot be distinguished."""
    assert escape_control("a\u00a0b\u3000c") == "a b c"


def test_some_characters_can_be_kept() -> None:
    """A newline is kept in a text that can have several lines."""
    assert escape_control("a\nb\x1b", keep="\n") == "a\nb\\x1b"


def assert_harmless(text: str, *, lines: bool = True) -> None:
    assert not [sign for sign in text if sign in BIDI + UNSEEN or (sign in CONTROLS and sign not in "\n\t\r")]
    if lines:
        assert not [line for line in text.splitlines() if line.lstrip().startswith("FORGED")]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Folder with a run that has hostile text in every field."""
    monitor = TrainingMonitor(
        tmp_path / "logs", session_name="run", project_name=HOSTILE, tags=[HOSTILE], settings=QUIET,
        configuration={HOSTILE: HOSTILE, "lr": 0.1},
    )  # fmt: skip
    for number in range(30):
        monitor.log_episode(
            number, float(number), 3, env_step=number, category=HOSTILE, termination_reason=HOSTILE, difficulty=HOSTILE,
            success=number % 2 == 0, parameters={HOSTILE: number}, reward_parts={HOSTILE: 1.0},
            additional_info={HOSTILE: HOSTILE},
        )  # fmt: skip
        monitor.log_training_step(number, 0.1, 0.2, 0.3, extra={HOSTILE: 1.0})
        monitor.log_metrics(HOSTILE, {HOSTILE: 1.0}, step=number)
    monitor.log_evaluation(1, 2.0, 0.5, 0.5, policy=HOSTILE)
    monitor.log_event(HOSTILE, HOSTILE, severity="warning", code=HOSTILE, data={HOSTILE: HOSTILE})
    monitor.log_note(HOSTILE)
    monitor.fail(ValueError(HOSTILE))
    (tmp_path / "logs" / "run").rename(tmp_path / "logs" / NAME)
    header = tmp_path / "logs" / NAME / "run.json"
    said = json.loads(header.read_text())
    said["run_id"] = said["failure"]["type"] = NAME
    said["writers"][0]["host"] = HOSTILE
    said["reproduction"] |= {"command": [HOSTILE], "folder": HOSTILE, "git": {"commit": HOSTILE, "branch": HOSTILE}}
    header.write_text(json.dumps(said))
    return tmp_path / "logs"


@pytest.fixture
def invoke(logs: Path) -> Callable[..., Result]:
    """Function that runs a command on the folder."""

    def run(*words: str) -> Result:
        # Wide enough that no line wraps, because a wrapped word could look like a forged line.
        wide = {"COLUMNS": "4000"}
        said = [word.replace("LOGS", str(logs)) for word in words]
        return CliRunner().invoke(app, said, prog_name="rlvitals", env=wide)

    return run


@pytest.mark.parametrize(
    "command",
    [
        ("ls", "LOGS"),
        ("show", f"LOGS/{NAME}"),
        ("stats", f"LOGS/{NAME}"),
        ("check", f"LOGS/{NAME}"),
        ("verify", f"LOGS/{NAME}"),
        ("watch", f"LOGS/{NAME}", "--once"),
        ("tail", f"LOGS/{NAME}"),
        ("tail", f"LOGS/{NAME}", "updates"),
        ("tail", f"LOGS/{NAME}", "events"),
        ("tail", f"LOGS/{NAME}", "scalars"),
        ("tail", f"LOGS/{NAME}", "evaluations"),
        ("compare", f"LOGS/{NAME}", "LOGS", "--by", "run"),
        ("sql", "select category, termination_reason from episodes limit 2", f"LOGS/{NAME}"),
        ("sql", "select run, message from events", "LOGS"),
        ("export", f"LOGS/{NAME}"),
        ("report", f"LOGS/{NAME}"),
        ("show", NAME, "--folder", "LOGS/none"),
    ],
)
def test_no_command_prints_recorded_text_unescaped(invoke: Callable[..., Result], command: tuple[str, ...]) -> None:
    """This applies to the output and to errors."""
    done = invoke(*command)

    assert done.output
    assert "no such option" not in done.output.lower()
    assert_harmless(done.output)
    assert done.exit_code in {0, 1, 2}
    assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("ending", ["html", "md"])
def test_no_report_changes_the_text_direction(logs: Path, tmp_path: Path, ending: str) -> None:
    """Reports do not contain control characters either."""
    written = write_report(open_run(logs / NAME), tmp_path / f"report.{ending}", figures=False)

    assert_harmless(written.read_text("utf-8"), lines=False)


def test_the_terminal_sink_prints_one_line_per_message(tmp_path: Path) -> None:
    """This includes evaluations with a custom policy name."""
    stream = io.StringIO()
    sink = TerminalSink(stream=stream, clock=ManualClock())
    with TrainingMonitor(tmp_path, sinks=[sink], settings=QUIET) as monitor:
        monitor.log_event("note", HOSTILE, severity="warning")
        monitor.log_evaluation(1, 2.0, 0.5, 0.5, policy=HOSTILE)

    assert r"x\nFORGED\u202a" in stream.getvalue()
    assert_harmless(stream.getvalue())


def test_a_log_message_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Names and errors in it can contain any text."""
    with caplog.at_level(logging.WARNING, "rlvitals"):
        logging.getLogger("rlvitals").warning("%s: %s", NAME, HOSTILE)

    assert escape_control(HOSTILE) in caplog.text
    assert_harmless(caplog.text)
