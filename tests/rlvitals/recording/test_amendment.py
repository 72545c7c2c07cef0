"""Settings that are added after the end of a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals.errors import RecordError, RunFormatError, RunLockedError
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording.amendment import amend_configuration
from rlvitals.runs.header import read_header

OpenMonitor = Callable[..., TrainingMonitor]


def test_settings_are_added_and_replaced(open_monitor: OpenMonitor) -> None:
    """Nothing else in the header changes: the run has the same writers, status and end."""
    monitor = open_monitor(configuration={"seed": 1, "value": None})
    monitor.close()
    before = read_header(monitor.path)
    amend_configuration(monitor.path, {"value": 0.5, "state": "complete"})

    after = read_header(monitor.path)
    assert after.configuration == {"seed": 1, "value": 0.5, "state": "complete"}
    after.configuration = before.configuration
    assert after == before


def test_an_amended_run_can_be_amended_and_resumed(open_monitor: OpenMonitor) -> None:
    """The lock is released, also after a setting that cannot be stored."""
    monitor = open_monitor()
    monitor.close()
    endless: dict[str, Any] = {}
    endless["self"] = endless
    with pytest.raises(RecordError):
        amend_configuration(monitor.path, endless)
    amend_configuration(monitor.path, {"value": 1})

    assert open_monitor(resume="must").session.configuration == {"value": 1}


def test_a_run_that_is_written_is_refused(open_monitor: OpenMonitor) -> None:
    """Its writer would overwrite the settings."""
    with pytest.raises(RunLockedError):
        amend_configuration(open_monitor().path, {"value": 1})


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RunFormatError):
        amend_configuration(tmp_path, {"value": 1})

    assert list(tmp_path.iterdir()) == []
