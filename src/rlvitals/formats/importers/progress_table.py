"""Metric tables: `progress.csv`, `progress.txt`, and files with other names and the same contents."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.framework_columns import UNKNOWN, UPDATE_TAG, framework_of, step_column
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.plain_text import first_rows, rows_of
from rlvitals.records import Record
from rlvitals.records.tag_reader import TagReader, scalar_records

TABLE_ENDINGS = frozenset({".csv", ".txt", ".tsv"})
"""File suffixes of tables."""
USUAL_NAME = "progress."
"""Usual prefix of the name of a metric table."""
_DAMAGED = "has a different number of cells than the header; the import leaves it out"
_FEW = 3


class ProgressTable:
    """A metric table.

    Args:
        file: Path of the table. If its columns match no known framework, they are read as scalars.
        warnings: Collector for damaged or missing data.

    Raises:
        ImportFormatError: No column counts steps.
    """

    def __init__(self, file: Path, warnings: ImportWarnings) -> None:
        self._file = file
        self._warnings = warnings
        self.columns = columns_of_table(file)
        self.framework = framework_of(self.columns) or UNKNOWN
        self._step, self._counts_env_steps = step_column(self.framework, self.columns, file)
        self._elapsed = next((name for name in self.framework.elapsed if name in self.columns), None)

    def records(self, began: float | None) -> Iterator[Record]:
        """Yield the records of the table.

        Args:
            began: Start of the training (UTC, seconds since 1970). By default, the file's modification time minus the
                elapsed time in the table.

        Raises:
            ImportFormatError: A step or a time is not a number, or most rows are damaged.
        """
        if began is None:
            began = self._file.stat().st_mtime - self._duration()
        if not self._counts_env_steps:
            self._warnings.add(
                f"{self._file} has no column of environment steps; the import uses {self._step!r} as the step.",
                file=str(self._file),
            )
        tags = TagReader(has_env_steps=self._counts_env_steps)
        elapsed, step = 0.0, self._first_step()
        for line, row in rows_of_table(self._file, self.columns, self._warnings):
            where = f"{self._file}, line {line}"
            if self._elapsed and row.get(self._elapsed):
                elapsed = _number(row, self._elapsed, where)
            if row.get(self._step):
                later = int(_number(row, self._step, where))
                if later < step:
                    self._warnings.add(
                        f"{where}: the steps decrease from {step} to {later}, as after a restart or a resume from a "
                        "checkpoint; the import keeps all rows.",
                        file=str(self._file),
                    )
                step = later
            try:
                yield from self._row(row, tags, step=step, time=began + elapsed)
            except (RecordError, ValueError) as error:
                raise ImportFormatError(f"{where}: {error}") from None

    def _row(self, row: dict[str, str], tags: TagReader, *, step: int, time: float) -> Iterator[Record]:
        known = {name: name for name in row} if self.framework.speaks_tags else dict(self.framework.tags)
        is_update = any(tag.startswith("train/") and row.get(name) for name, tag in known.items())
        own: dict[str, Any] = {}
        used: set[str] = set()
        for name, text in row.items():
            if not text:
                continue
            tag = known.get(name)
            if tag is None or tag in used or (tag == UPDATE_TAG and not is_update and not self.framework.speaks_tags):
                own[name] = cell_value(text)
            else:
                used.add(tag)
                yield from tags.add(tag, cell_value(text), step=step, time=time)
        yield from tags.flush()
        env_step = step if self._counts_env_steps else None
        yield from scalar_records(own, time=time, step=step, env_step=env_step)

    def _duration(self) -> float:
        if self._elapsed is None:
            self._warnings.add(
                f"{self._file} has no time column; the import uses the file's date for all records.",
                file=str(self._file),
            )
            return 0.0
        said = (
            (line, row)
            for line, row in rows_of_table(self._file, self.columns, ImportWarnings())
            if row.get(self._elapsed)
        )
        return max((_number(row, self._elapsed, f"{self._file}, line {line}") for line, row in said), default=0.0)

    def _first_step(self) -> int:
        """Return the first recorded step. Rows before it get this step, too.

        Raises:
            ImportFormatError: No row has a step.
        """
        for line, row in rows_of_table(self._file, self.columns, ImportWarnings()):
            if row.get(self._step):
                return int(_number(row, self._step, f"{self._file}, line {line}"))
        raise ImportFormatError(
            f"{self._file} has no row with a number in {self._step!r}, the step column of "
            f"{self.framework.title}. Fill the column, or remove the file"
        )


def rows_of_table(file: Path, columns: Sequence[str], warnings: ImportWarnings) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the cells of each row by column. Rows of a different length are left out.

    Args:
        file: Path of the table.
        columns: Columns of the table.
        warnings: Collector for the rows that are left out.

    Raises:
        ImportFormatError: Most rows are damaged.
    """
    whole, damaged = 0, 0
    for line, cells in rows_of(file, delimiter=_delimiter(file)):
        names = [cell.strip() for cell in cells]
        if names == columns or not line.text.strip():
            continue
        if len(cells) != len(columns):
            damaged += 1
            warnings.add_row(file, line.number, line.text, _DAMAGED)
            continue
        whole += 1
        yield line.number, dict(zip(columns, names, strict=True))
    if damaged > max(whole, _FEW):
        raise ImportFormatError(
            f"{file} is damaged: {damaged} of its {whole + damaged} rows do not have {len(columns)} cells. Repair the "
            "file, or move it out of the folder"
        )


def tables_in(path: Path) -> list[Path]:
    """Return the tables of known frameworks: the file itself, or those in a folder, the usual name first."""
    if path.is_file():
        return [path] if path.suffix.lower() in TABLE_ENDINGS and framework_of(columns_of_table(path)) else []
    inside = sorted(path.glob("*"), key=lambda file: (not file.name.startswith(USUAL_NAME), file.name))
    return [file for file in inside if file.is_file() and tables_in(file)]


def columns_of_table(file: Path) -> list[str]:
    """Return the columns of a table, or an empty list if the file is not readable text."""
    rows = first_rows(file, 1, delimiter=_delimiter(file))
    return [cell.strip() for cell in rows[0]] if rows else []


def _delimiter(file: Path) -> str:
    rows: Sequence[Sequence[str]] = first_rows(file, 1, delimiter="\t")
    return "\t" if rows and len(rows[0]) > 1 else ","


def _number(row: dict[str, str], name: str, where: str) -> float:
    text = row[name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ImportFormatError(f"{where}: {name} must be a number, got {text!r:.60}")
    return number


def cell_value(text: str) -> Any:
    """Return the number in a cell, or its text."""
    try:
        return float(text)
    except ValueError:
        return text
