"""Runs to look at, and a command line to look with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.cli.main import app

Invoke = Callable[..., Result]
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


@pytest.fixture
def invoke() -> Invoke:
    """Runs a command; `columns` is the width of the terminal, without which it prints into a pipe."""

    def run(*words: object, columns: int | None = None) -> Result:
        env = {"COLUMNS": None if columns is None else str(columns)}
        return CliRunner().invoke(app, [str(word) for word in words], env=env, prog_name="rlvitals")

    return run


@pytest.fixture
def invoke_json(invoke: Invoke) -> Callable[..., Any]:
    """Runs a command with `--json`, and reads what it printed as strictly as JSON is defined."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    def run(*words: object) -> Any:
        return json.loads(invoke(*words, "--json").stdout, parse_constant=refuse)

    return run
