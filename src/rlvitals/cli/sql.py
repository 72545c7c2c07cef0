"""`rlvitals sql QUERY`: SQL query of one run, or of all runs in a folder."""

import math
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from rlvitals.cli.error_output import EXIT_ERROR, print_error
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, run_argument
from rlvitals.formatting import ABSENT
from rlvitals.outputs.sql_output import query_rows, run_query
from rlvitals.render.terminal import LABEL, make_screen, number_text, print_json
from rlvitals.runs.answer import Answer
from rlvitals.runs.named_runs import runs_named
from rlvitals.text_escaping import escape_control

_DIGITS = 6


def sql(
    question: Annotated[str, typer.Argument(help="One SELECT query in DuckDB SQL.", metavar="QUERY")],
    where: Annotated[
        list[str] | None, run_argument("Runs or folders of runs. Default: all runs in the folder.")
    ] = None,
    *,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Query the records of runs with SQL.

    The tables are episodes, updates, evaluations, system, scalars and events. Write dict entries with a dot, for
    example parameters.filter_speckle. The column run holds the name of the run.
    """
    runs, refused = runs_named(where or [str(folder)], folder)
    for path, error in refused:
        print_error(f"skipped {path}: {error}")
    if where and not runs:
        raise typer.Exit(EXIT_ERROR)
    answer = run_query(question, runs)
    if as_json:
        print_json(query_rows(answer))
    else:
        make_screen().print(_table(answer))


def _table(answer: Answer) -> Table:
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    rows = answer.rows()
    for place, name in enumerate(answer.names):
        is_text = any(isinstance(row[place], str | dict | list) for row in rows)
        table.add_column(escape_control(name), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(value: Any) -> Text:
    if value is None:
        return Text(ABSENT, LABEL)
    if isinstance(value, float):
        # Show whole floats without decimals, because steps and counts are often averaged.
        return Text(f"{value:.0f}") if _is_whole(value) else number_text(value, _DIGITS)
    return Text(escape_control(str(value)))


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == math.floor(value) and abs(value) < 10**_DIGITS
