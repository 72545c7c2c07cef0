"""Document of `rlvitals sql --json`."""

from collections.abc import Iterable
from typing import Any

import msgspec

from rlvitals.errors import QueryError, ReadInterruptedError
from rlvitals.formatting import counted
from rlvitals.runs import Run, Runs
from rlvitals.runs.answer import Answer
from rlvitals.runs.answer import query as answer_of
from rlvitals.runs.interruption import time_limit


class QueryRows(msgspec.Struct, frozen=True):
    """Result of a query.

    Attributes:
        columns: Column names, in their order.
        rows: Rows, each with its values by column name. Dates and other types without a JSON form are text.
    """

    columns: list[str]
    rows: list[dict[str, Any]]


def run_query(query: str, runs: Iterable[Run], *, most_rows: int | None = None, limit_s: float | None = None) -> Answer:
    """Run a query over runs, each counted once.

    Args:
        query: One SELECT statement.
        runs: Runs to query.
        most_rows: Maximum number of rows; by default all.
        limit_s: Time limit in seconds; by default none.

    Raises:
        QueryError: The query is invalid, or takes longer than the time limit.
        RunFormatError: A segment is damaged.
    """
    unique = Runs({run.path.absolute(): run for run in runs}.values())
    if limit_s is None:
        return answer_of(unique, query, most_rows)
    with time_limit(limit_s) as is_over:
        try:
            return answer_of(unique, query, most_rows)
        except ReadInterruptedError:
            if not is_over.is_set():
                raise
    raise QueryError(
        f"the query over {counted(len(unique), 'run')} took longer than {limit_s:g} s and was stopped: {query!r:.200}. "
        "Query fewer runs, filter or aggregate more, or use `rlvitals sql`, which has no time limit."
    )


def query_rows(answer: Answer, most: int | None = None) -> QueryRows:
    """Return the first `most` rows of a result, or all, as a document."""
    names = answer.names
    return QueryRows(list(names), [dict(zip(names, row, strict=True)) for row in answer.rows(most)])
