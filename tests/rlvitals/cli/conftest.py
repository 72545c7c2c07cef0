"""A command line to look at runs with."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from rlvitals.cli.main import app

Invoke = Callable[..., Result]


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
