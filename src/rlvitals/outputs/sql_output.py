"""Document of `rlvitals sql --json`."""

from collections.abc import Iterable
from typing import Any

import msgspec

from rlvitals.runs import Run, Runs
from rlvitals.runs.answer import Answer


class QueryRows(msgspec.Struct, frozen=True):
    """Result of a query.

    Attributes:
        columns: Column names, in their order.
        rows: Rows, each with its values by column name. Dates and other types without a JSON form are text.
    """

    columns: list[str]
    rows: list[dict[str, Any]]


def asked(question: str, runs: Iterable[Run]) -> Answer:
    """Run a query over runs, each counted once.

    Raises:
        QueryError: The query is invalid.
        RunFormatError: A segment is damaged.
    """
    return Runs({run.path.absolute(): run for run in runs}.values()).sql(question)


def query_rows(answer: Answer, most: int | None = None) -> QueryRows:
    """Return the first `most` rows of a result, or all, as a document."""
    names = answer.names
    return QueryRows(list(names), [dict(zip(names, row, strict=True)) for row in answer.rows(most)])
