"""SQL for segments."""

import subprocess
import sys

import duckdb
import numpy as np
import pytest

from rlvitals.runs.sql_columns import connected, database, identifier, literal

_ASK = """
import duckdb
from rlvitals.runs.sql_columns import database, literal
question = "SELECT current_setting('enable_progress_bar')"
print(duckdb.connect().execute(question).fetchone()[0], database(threads=1).execute(question).fetchone()[0])
"""


def test_no_progress_bar_is_drawn() -> None:
    """By default, DuckDB draws one on the standard output of a notebook or shell, as simulated here."""
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "True False\n"


def test_texts_and_names_are_quoted() -> None:
    """No text in a path or metric name is interpreted as SQL."""
    assert literal("it's") == "'it''s'"
    assert identifier('a"; DROP TABLE x; --') == '"a""; DROP TABLE x; --"'


@pytest.mark.parametrize("setting", ["autoinstall_known_extensions", "autoload_known_extensions"])
def test_no_database_downloads_an_extension(setting: str) -> None:
    """By default, DuckDB downloads an extension that a file or function needs."""
    assert database().execute(f"SELECT current_setting('{setting}')").fetchone() == (False,)


def test_connections_do_not_share_tables() -> None:
    """A temporary view of one connection does not exist in another."""
    with connected() as ours, connected() as others:
        ours.execute("CREATE TEMP VIEW episodes AS SELECT 1")

        with pytest.raises(duckdb.CatalogException):
            others.execute("FROM episodes")


def test_a_table_is_never_a_python_variable() -> None:
    """By default, DuckDB searches the frames of its callers for variables."""
    frame = {"value": np.array([1])}
    assert duckdb.connect().execute("FROM frame").fetchall() == [(1,)]
    assert frame

    with pytest.raises(duckdb.CatalogException):
        database().execute("FROM frame")


@pytest.mark.parametrize("text", ["plain", "it's", "a\x00b", "'\x00'", ""])
def test_any_text_can_be_quoted(text: str) -> None:
    """This includes NUL, at which some DuckDB releases end a statement."""
    assert database().execute(f"SELECT {literal(text)}").fetchall() == [(text,)]
