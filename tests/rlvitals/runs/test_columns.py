"""SQL over segments."""

import subprocess
import sys

from rlvitals.runs.columns import identifier, literal

_ASK = """
import duckdb
from rlvitals.runs.columns import database
question = "SELECT current_setting('enable_progress_bar')"
print(duckdb.connect().execute(question).fetchone()[0], database(threads=1).execute(question).fetchone()[0])
"""


def test_nothing_is_drawn_on_the_users_output() -> None:
    """In a notebook or a shell, which this is like, DuckDB would draw a progress bar there."""
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "True False\n"


def test_texts_and_names_are_quoted() -> None:
    """Whatever stands in a path or a metric's name, it is not SQL."""
    assert literal("it's") == "'it''s'"
    assert identifier('a"; DROP TABLE x; --') == '"a""; DROP TABLE x; --"'
