"""A run that was ended by a signal, in all outputs."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.cli.main import app
from rlvitals.comparison.outcomes import _short_of
from rlvitals.render.terminal import STYLES
from rlvitals.runs.header import COMPLETED, STATUSES, Failure
from rlvitals.runs.verification import verify
from rlvitals.runs.vitality import CRASHED, STALLED
from rlvitals.summary.tones import TONES

SHOWN = (*STATUSES, STALLED, CRASHED)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Folder with one run that was preempted after 30 episodes."""
    monitor = TrainingMonitor(
        tmp_path, session_name="run", settings=RecorderSettings(system_interval_s=None), total_timesteps=1_000
    )
    for episode in range(30):
        monitor.log_episode(episode, float(episode % 3), 10, env_step=10 * episode)
    monitor._recorder.close("preempted", Failure(type="SIGTERM", message="terminated by SIGTERM"))
    return tmp_path


def _said(*command: str) -> str:
    done = CliRunner().invoke(app, [*command])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.output


def test_ls_shows_a_preempted_run(logs: Path) -> None:
    """The row has the status and the totals."""
    (row,) = json.loads(_said("ls", str(logs), "--json"))["runs"]

    assert (row["status"], row["episodes"]) == ("preempted", 30)


def test_show_names_the_signal(logs: Path) -> None:
    """The signal replaces the exception of a failed run."""
    shown = _said("show", str(logs / "run"))

    assert "preempted" in shown
    assert "terminated by SIGTERM" in shown
    assert "SIGTERM: " not in shown  # named once


@pytest.mark.parametrize("command", ["stats", "check", "verify"])
def test_every_command_reads_a_preempted_run(logs: Path, command: str) -> None:
    """The run has ended, so no command waits for it."""
    assert _said(command, str(logs / "run"))


def test_a_preempted_run_is_sound(logs: Path) -> None:
    """Its records are compared with the totals in the header, as for a completed run."""
    assert verify(open_run(logs / "run")).sound


def test_a_preemption_is_not_a_finding(logs: Path) -> None:
    """No rule reports it."""
    codes = {finding.code for finding in open_run(logs / "run").diagnosis().findings}
    assert not codes & {"stalled", "run-failed"}


def test_the_verdict_of_a_report_names_the_signal(logs: Path) -> None:
    """The signal is named only once."""
    path = open_run(logs / "run").write_report(logs / "report.md")

    text = Path(path).read_text().replace("\n", " ")
    assert re.search(r"Preempted.*Terminated by SIGTERM", text)
    assert "SIGTERM: " not in text


def test_a_comparison_leaves_a_preempted_run_out() -> None:
    """A preemption is unrelated to the training method."""
    assert _short_of("preempted", "40 %")[0] == _short_of(COMPLETED, "40 %")[0] == "left out"


@pytest.mark.parametrize("status", SHOWN)
def test_every_status_has_a_style_on_terminals_and_pages(status: str) -> None:
    """An unknown status would have no symbol, colour or filter."""
    static = files("rlvitals.dashboard") / "static"
    widgets, runs, style = ((static / name).read_text() for name in ("widgets.js", "runs.js", "parts.css"))
    report = (files("rlvitals.render") / "report.css").read_text()

    glyphs = re.search(r"const GLYPH = \{(.*?)\};", widgets)
    filters = re.search(r"const STATUSES = \[(.*?)\];", runs)
    assert glyphs is not None
    assert filters is not None
    assert f"{status}:" in glyphs[1]
    assert f'"{status}"' in filters[1]
    assert f'data-status="{status}"' in style
    assert f".status-{status}" in report
    assert status in STYLES
    assert status in TONES or status == COMPLETED
