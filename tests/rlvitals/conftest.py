"""Runs to look at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor

Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands look for runs by name."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "logs"


@pytest.fixture
def monitor(logs: Path) -> Monitor:
    """Begins a run in that folder."""

    def begin(name: str = "run", **options: Any) -> TrainingMonitor:
        options.setdefault("settings", RecorderSettings(system_interval_s=None))
        return TrainingMonitor(logs, session_name=name, **options)

    return begin
