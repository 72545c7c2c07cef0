"""A run that a signal ended, in every place that shows or judges runs."""

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
    """A folder with one run, which was preempted after 30 episodes."""
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


def test_ls_shows_it(logs: Path) -> None:
    """With its totals, as of a run that is over."""
    (row,) = json.loads(_said("ls", str(logs), "--json"))["runs"]

    assert (row["status"], row["episodes"]) == ("preempted", 30)


def test_show_says_by_what(logs: Path) -> None:
    """The signal is where the exception of a failed run is."""
    shown = _said("show", str(logs / "run"))

    assert "preempted" in shown
    assert "terminated by SIGTERM" in shown
    assert "SIGTERM: " not in shown  # named once


@pytest.mark.parametrize("command", ["stats", "check", "verify"])
def test_every_command_reads_it(logs: Path, command: str) -> None:
    """As a run that is over: nothing waits for it."""
    assert _said(command, str(logs / "run"))


def test_it_is_sound(logs: Path) -> None:
    """Its header's totals are held against what is there, as those of a completed run."""
    assert verify(open_run(logs / "run")).sound


def test_it_is_no_fault_of_the_training(logs: Path) -> None:
    """No rule fires for it alone."""
    assert "stalled" not in [finding.code for finding in open_run(logs / "run").diagnosis().findings]


def test_a_report_says_it_first(logs: Path) -> None:
    """The verdict names the signal."""
    path = open_run(logs / "run").write_report(logs / "report.md")

    text = Path(path).read_text().replace("\n", " ")
    assert re.search(r"Preempted.*Terminated by SIGTERM", text)
    assert "SIGTERM: " not in text


def test_a_comparison_leaves_it_out() -> None:
    """It says nothing of its method that it did not come to its end."""
    assert _short_of("preempted", "40 %")[0] == _short_of(COMPLETED, "40 %")[0] == "left out"


@pytest.mark.parametrize("status", SHOWN)
def test_every_status_has_its_look_on_terminals_and_pages(status: str) -> None:
    """A status that a page does not know has no sign, no colour and no filter."""
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
