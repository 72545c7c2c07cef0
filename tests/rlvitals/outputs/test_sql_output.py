"""Queries of the command and of the tool for agents."""

import pytest

from rlvitals.errors import QueryError
from rlvitals.outputs.sql_output import query_rows, run_query

ENDLESS = "SELECT count(*) FROM range(10_000_000_000) a, range(10_000_000_000) b"


def test_a_query_over_the_time_limit_is_stopped() -> None:
    """The error has the limit, the query and what to do."""
    with pytest.raises(QueryError, match=r"the query over 0 runs took longer than 0\.05 s and was stopped: 'SELECT"):
        run_query(ENDLESS, [], limit_s=0.05)


def test_a_query_below_the_time_limit_has_its_rows() -> None:
    """At most the wanted number of rows is computed."""
    answer = run_query("SELECT range AS n FROM range(10)", [], most_rows=2, limit_s=60.0)

    assert query_rows(answer).rows == [{"n": 0}, {"n": 1}]
