"""Settings in a Markdown table, the form in which CleanRL and the TensorBoard sink log hyperparameters as text."""

import ast
from typing import Any

SETTINGS_TAGS = frozenset({"configuration", "hyperparameters"})
"""Tags of the texts that hold such a table."""

_ROW_CELLS = 2
_HEADER_ROWS = 2


def settings_in(table: str) -> dict[str, Any]:
    """Return the settings in a Markdown table with two columns, name and value.

    Args:
        table: Text of the table, with a header row and a separator.

    Returns:
        Value by name. Values that are Python literals are converted. Rows with another number of cells are left out.
    """
    rows = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in table.splitlines()[_HEADER_ROWS:]]
    return {cells[0]: literal_in(cells[1]) for cells in rows if len(cells) == _ROW_CELLS}


def literal_in(text: str) -> Any:
    """Return the number, bool or `None` that a text spells in Python, or the text itself."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
    return found if isinstance(found, bool | int | float | str | None) else text
