"""Tests of `rlvitals schema`."""

import json
from collections.abc import Callable

from typer.testing import Result

from rlvitals.outputs.command_outputs import output_schema


def test_the_schema_is_printed(invoke: Callable[..., Result]) -> None:
    """The output is the schema of the command, as JSON."""
    assert json.loads(invoke("schema", "sql").stdout) == output_schema("sql")


def test_a_command_without_a_document_is_refused(invoke: Callable[..., Result]) -> None:
    """The error lists the commands that have one."""
    result = invoke("schema", "schema")

    assert (result.exit_code, "'schema' has no JSON output: use one of run, ls, show" in result.stderr) == (2, True)
