"""Fixtures that run the command line."""

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from rlvitals.cli.main import app

Invoke = Callable[..., Result]


@pytest.fixture
def invoke() -> Invoke:
    """Function that runs a command; `columns` is the width of the terminal, `None` for a pipe."""

    def run(*words: object, columns: int | None = None) -> Result:
        env = {"COLUMNS": None if columns is None else str(columns)}
        return CliRunner().invoke(app, [str(word) for word in words], env=env, prog_name="rlvitals")

    return run


@pytest.fixture
def invoke_json(invoke: Invoke) -> Callable[..., Any]:
    """Function that runs a command with `--json` and parses its output as strict JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    def run(*words: object) -> Any:
        return json.loads(invoke(*words, "--json").stdout, parse_constant=refuse)

    return run


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Default effects of signals, which processes inherit. They are ignored under `nohup` and in background jobs."""
    before = {
        number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
