"""Fixtures that record runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor

Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder in which commands search for runs by name."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "logs"


@pytest.fixture
def monitor(logs: Path) -> Monitor:
    """Function that starts a run in the folder `logs`."""

    def begin(name: str = "run", **options: Any) -> TrainingMonitor:
        options.setdefault("settings", RecorderSettings(system_interval_s=None))
        return TrainingMonitor(logs, session_name=name, **options)

    return begin
