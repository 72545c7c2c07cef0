"""Columns of plain tables, and how users name their meaning."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.framework_columns import shown
from rlvitals.formats.importers.json_lines import first_object
from rlvitals.formats.importers.progress_table import TABLE_ENDINGS, columns_of_table
from rlvitals.records import Episode
from rlvitals.records.schema import fields
from rlvitals.records.step_names import ENV_STEP_NAMES
from rlvitals.records.synonyms import TRAIN, UPDATE_METRICS, update_field

STEP, TIME = "step", "time"
"""Names of the environment step and of the time in a mapping."""
_LIKELY = {"reward": ("rew", "return", "ret", "score"), "length": ("len",)}
"""Parts of the names of columns that probably hold a field of an episode."""
_EPISODE = "episode/"
_CURVE = "episode_reward"
"""Tag of a reward without the length of an episode. It is a curve instead of an episode."""


def columns_in(file: Path) -> list[str]:
    """Return the columns of a CSV file, or the keys of the first object of a JSON Lines file; empty for other files."""
    found = first_object(file)
    if found is not None:
        return [*found]
    return columns_of_table(file) if file.suffix.lower() in TABLE_ENDINGS else []


def checked_mapping(mapping: Mapping[str, str], columns: Sequence[str], file: Path) -> dict[str, str]:
    """Check that a table has the mapped columns, and return the tag of each mapped column.

    Args:
        mapping: Column of each field or tag. `step` is required.
        columns: Columns of the table.
        file: Path of the table.

    Raises:
        ImportFormatError: The mapping has no step, or the table lacks a column. The message shows a command.
    """
    way_out = f"Its columns are {shown(columns)}. Name them, for example: {example_command(file, columns)}"
    if STEP not in mapping:
        raise ImportFormatError(f"{file}: the column of environment steps is not named. {way_out}")
    if missing := [column for column in mapping.values() if column not in columns]:
        raise ImportFormatError(f"{file} has no column {shown(missing)}. {way_out}")
    return {column: _tag(name, mapping) for name, column in mapping.items()}


def example_command(file: Path, columns: Sequence[str]) -> str:
    """Return a command that imports a table, with the columns that probably have the meaning."""
    return f"rlvitals import {shlex.quote(str(file))} --columns {shlex.quote(','.join(_guessed(columns)))}"


def _guessed(columns: Sequence[str]) -> Iterator[str]:
    exact = [column for column in columns if column.lower() in ENV_STEP_NAMES]
    step = next(iter([*exact, *(column for column in columns if "step" in column.lower())]), "COLUMN_OF_STEPS")
    yield f"{STEP}={step}"
    for field, parts in _LIKELY.items():
        found = [column for column in columns if column != step and any(part in column.lower() for part in parts)]
        yield from (f"{field}={column}" for column in found[:1])


def _tag(name: str, mapping: Mapping[str, str]) -> str:
    if name == "reward" and "length" not in mapping:
        return _CURVE
    if name in {field.name for field in fields(Episode) if not (field.column.is_dict or field.column.is_json)}:
        return f"{_EPISODE}{name}"
    return f"{TRAIN}{name}" if name in UPDATE_METRICS or update_field(name) is not None else name
