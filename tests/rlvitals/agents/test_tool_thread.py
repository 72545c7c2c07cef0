"""Threads of the tools of the server."""

import anyio
import pytest
from event_loops import run_in_loop

from rlvitals.agents.tool_thread import in_thread, wait_for_calls
from rlvitals.errors import QueryError
from rlvitals.runs.sql_columns import connected

ENDLESS = "SELECT count(*) FROM range(10_000_000_000) a, range(10_000_000_000) b"


def read(sql: str) -> list[tuple[int]]:
    with connected() as tables:
        rows: list[tuple[int]] = tables.execute(sql).fetchall()
        return rows


def refuse() -> None:
    raise QueryError("no")


def test_a_call_has_a_result_or_an_error() -> None:
    """Both reach the task."""

    async def call() -> list[tuple[int]]:
        with pytest.raises(QueryError, match="no"):
            await in_thread(refuse)
        return await in_thread(lambda: read("SELECT 1"))

    assert run_in_loop(call) == [(1,)]


def test_the_reads_of_a_cancelled_call_are_stopped() -> None:
    """The task does not wait for them, and later calls can read."""

    async def call() -> tuple[bool, list[tuple[int]]]:
        with anyio.move_on_after(0.05) as scope:
            await in_thread(lambda: read(ENDLESS))
        return scope.cancelled_caught, await in_thread(lambda: read("SELECT 1"))

    assert (run_in_loop(call), wait_for_calls(30.0)) == ((True, [(1,)]), True)
