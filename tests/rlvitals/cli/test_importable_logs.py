"""A folder without runs that has logs of other programs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from rlvitals.cli.importable_logs import import_advice
from rlvitals.sinks.tensorboard_sink import EventFile

Invoke = Callable[..., Result]
MONITOR = '#{"t_start": 1000.0}\nr,l,t\n1.5,10,1.0\n'


def add_events(folder: Path) -> None:
    events = EventFile(folder, 1000.0)
    events.scalars(1001.0, 1, {"losses/policy_loss": 1.0})
    events.close()


@pytest.mark.parametrize("words", [["ls", "runs"], ["show", "runs"], ["check", "runs/a"], ["watch", "sb3"]])
def test_commands_for_runs_say_how_to_import_the_logs(logs: Path, invoke: Invoke, words: list[str]) -> None:
    """This replaces the advice to record a run."""
    add_events(logs.parent / "runs" / "a")
    (logs.parent / "sb3").mkdir()
    (logs.parent / "sb3" / "monitor.csv").write_text(MONITOR)
    result = invoke(*words)

    assert f"Make runs of them with `rlvitals import {words[1]}`" in result.stdout + result.stderr
    assert "Record one" not in result.stdout


def test_only_event_files_can_be_shown_as_they_grow(tmp_path: Path) -> None:
    """The dashboard does not read other logs."""
    add_events(tmp_path / "my runs")
    (tmp_path / "sb3").mkdir()
    (tmp_path / "sb3" / "monitor.csv").write_text(MONITOR)

    assert import_advice(tmp_path / "my runs").endswith(f"with `rlvitals ui '{tmp_path / 'my runs'}'`.")
    assert import_advice(tmp_path / "sb3").endswith(f"with `rlvitals import {tmp_path / 'sb3'}`.")
    assert "(sb3, tensorboard)" in import_advice(tmp_path)


def test_a_folder_without_logs_has_no_advice(tmp_path: Path) -> None:
    """Logs that are many levels down are not searched, because the folder can be a whole disk."""
    add_events(tmp_path / "a" / "b" / "c" / "d" / "e")

    assert import_advice(tmp_path) == ""
