"""Desktop alerts, tested with a program that stores its arguments."""

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
    """Return a program that writes its arguments to the file `shown`, one per line."""
    program = folder / name
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{folder}/shown"\n{then}\n')
    program.chmod(0o755)
    return program


class TestContract(SinkContract):
    kinds = frozenset()  # alerts cannot be read back as records

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.program = program_in(tmp_path)

    def make_sink(self) -> Sink:
        return DesktopAlerts(str(self.program))

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_the_texts_are_passed_as_arguments(tmp_path: Path, finding: MakeFinding) -> None:
    """They do not pass through a shell, a leading dash is not an option, and markup in the body is escaped."""

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


def test_the_texts_are_not_part_of_the_applescript(tmp_path: Path, finding: MakeFinding) -> None:
    """On macOS, the texts are arguments of the script."""

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


def test_the_default_program_depends_on_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is `notify-send` on Linux, and `osascript` on macOS."""

    for system, program in (("linux", "notify-send"), ("darwin", "osascript")):
        monkeypatch.setattr(sys, "platform", system)
        assert DesktopAlerts()._program == program


def test_the_error_of_a_failing_program_has_its_reason(tmp_path: Path, finding: MakeFinding) -> None:
    """The program fails, for example, on a machine without a desktop."""

    program = program_in(tmp_path, "echo 'Cannot autolaunch D-Bus' >&2; exit 1")
    with pytest.raises(DeliveryError, match="failed with exit code 1: Cannot autolaunch D-Bus"):
        DesktopAlerts(str(program)).write(finding())


def test_a_program_that_hangs_is_stopped(tmp_path: Path, finding: MakeFinding) -> None:
    """It is stopped after the timeout."""

    with pytest.raises(DeliveryError, match=r"did not end within 0\.05 s"):
        DesktopAlerts(str(program_in(tmp_path, "exec sleep 20")), timeout_s=0.05).write(finding())


def test_a_missing_program_is_reported_at_the_start(context: SinkContext, tmp_path: Path) -> None:
    """It is reported once when the run starts, not at the first alert, and the training continues."""

    sink = DesktopAlerts(str(tmp_path / "gone"))
    with pytest.raises(DeliveryError, match="is not on the path"):
        sink.begin(context)
    with TrainingMonitor(tmp_path, session_name="a", sinks=[DesktopAlerts(str(tmp_path / "gone"))]) as monitor:
        monitor.log_event("finding", "Losses are not finite.", severity="critical", code="non-finite")
    said = [event.message for event in monitor.run.records("events") if event.kind == "sink"]
    assert len(said) == 1
    assert "is not on the path" in said[0]
