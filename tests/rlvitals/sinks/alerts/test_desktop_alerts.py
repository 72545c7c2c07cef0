"""Alerts on the desktop, shown by a program that writes its arguments down."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.records import Event, Record
from rlvitals.sinks import Sink, SinkContext
from rlvitals.sinks.alerts import DeliveryError, DesktopAlerts
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]


def program_in(folder: Path, then: str = "", name: str = "notify-send") -> Path:
    """A program that writes each of its arguments on a line of `shown`."""
    program = folder / name
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{folder}/shown"\n{then}\n')
    program.chmod(0o755)
    return program


class TestContract(SinkContract):
    kinds = frozenset()  # an alert is no record

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.program = program_in(tmp_path)

    def make_sink(self) -> Sink:
        return DesktopAlerts(str(self.program))

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_the_texts_are_arguments(tmp_path: Path, finding: MakeFinding) -> None:
    """No shell sees them, a dash makes no option of them, and marks of the body are escaped."""

    hostile = "$(touch x); `id` <b>&"
    DesktopAlerts(str(program_in(tmp_path))).write(
        finding("--help", message=hostile, env_step=None, data={"cause": ""})
    )
    assert (tmp_path / "shown").read_text().splitlines()[:5] == [
        "--app-name=rlvitals",
        "--urgency=critical",
        "--",
        "critical: --help",
        "$(touch x); `id` &lt;b&gt;&amp;",
    ]


def test_a_mac_is_told_by_a_script_that_holds_no_text(tmp_path: Path, finding: MakeFinding) -> None:
    """The texts come behind it, as its arguments."""

    program = program_in(tmp_path, name="osascript")
    DesktopAlerts(str(program)).write(
        finding(message='" & (do shell script "id") & "', env_step=None, data={"cause": ""})
    )
    assert (tmp_path / "shown").read_text().splitlines()[:9] == [
        "-e",
        "on run argv",
        "-e",
        "display notification (item 2 of argv) with title (item 1 of argv)",
        "-e",
        "end run",
        "--",
        "critical: kl-too-large",
        '" & (do shell script "id") & "',
    ]


def test_the_usual_program_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked for on the path."""

    for system, program in (("linux", "notify-send"), ("darwin", "osascript")):
        monkeypatch.setattr(sys, "platform", system)
        assert DesktopAlerts()._program == program


def test_a_program_that_fails_says_why(tmp_path: Path, finding: MakeFinding) -> None:
    """As on a machine without a desktop."""

    program = program_in(tmp_path, "echo 'Cannot autolaunch D-Bus' >&2; exit 1")
    with pytest.raises(DeliveryError, match="ended with 1: Cannot autolaunch D-Bus"):
        DesktopAlerts(str(program)).write(finding())


def test_a_program_that_hangs_is_given_up(tmp_path: Path, finding: MakeFinding) -> None:
    """After the time that was set."""

    with pytest.raises(DeliveryError, match=r"did not end in 0\.05 s"):
        DesktopAlerts(str(program_in(tmp_path, "exec sleep 20")), timeout_s=0.05).write(finding())


def test_a_missing_program_is_said_at_once(context: SinkContext, tmp_path: Path) -> None:
    """When the run begins, not at the first alert of the night; once; and the training goes on."""

    sink = DesktopAlerts(str(tmp_path / "gone"))
    with pytest.raises(DeliveryError, match="there is no program"):
        sink.begin(context)
    with TrainingMonitor(tmp_path, session_name="a", sinks=[DesktopAlerts(str(tmp_path / "gone"))]) as monitor:
        monitor.log_event("finding", "Losses are not finite.", severity="critical", code="non-finite")
    said = [event.message for event in monitor.run.records("events") if event.kind == "sink"]
    assert len(said) == 1
    assert "there is no program" in said[0]
