"""Conversion of the history of an experiment tracker, one row per call of its `log`, to records."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formatting import listed
from rlvitals.records import Record
from rlvitals.records.coercion import NON_FINITE
from rlvitals.records.kinds import MAX_TEXT
from rlvitals.records.step_names import env_step_in
from rlvitals.records.tag_reader import TagReader, scalar_records

_TYPE = "_type"
"""Key of a dict that describes an image, a histogram or a table instead of nested values."""
_SHOWN = 10


class HistoryRow(NamedTuple):
    """Values that were logged together.

    Attributes:
        step: Step that the tracker counts. `None` if it was not logged.
        time: Time of the values (UTC, seconds since 1970).
        values: Values by name, which can be nested.
        env_step: Environment step, if it is known. Default: the one among the values.
    """

    step: int | None
    time: float
    values: Mapping[str, Any]
    env_step: int | None = None


def history_records(rows: Iterable[HistoryRow], warnings: ImportWarnings, where: object) -> Iterator[Record]:
    """Yield the records of a history. Names determine the records: see `tag_reader`.

    A logged number of environment steps (`env_step_in`) is the environment step of its row. The tracker's own step,
    which often counts calls, is only the step.

    Args:
        rows: Rows in the order in which they were logged.
        warnings: Collector for missing data.
        where: Source of the rows, for messages.

    Raises:
        ImportFormatError: A row has no step or a negative one.
    """
    tags = TagReader(has_env_steps=False)
    left_out: dict[str, None] = {}
    has_env_steps, step = False, None
    try:
        for row in rows:
            values = dict(_leaves(row.values))
            env_step = env_step_in(values) if row.env_step is None else row.env_step
            step = _step_of(row, env_step, values, where)
            has_env_steps |= env_step is not None
            for name, value in values.items():
                if isinstance(value, bool | int | float):
                    yield from tags.add(name, value, step=step, time=row.time, env_step=env_step)
                elif isinstance(value, str) and len(value) <= MAX_TEXT:
                    yield from scalar_records({name: value}, time=row.time, step=step, env_step=env_step)
                elif value is not None:
                    left_out[name] = None
        yield from tags.flush()
    except RecordError as error:
        raise ImportFormatError(f"{where}, up to step {step}: {error}") from None
    if step is not None and not has_env_steps:
        warnings.add(
            f"{where} has no environment steps; the import keeps the steps of the tracker, which can count calls. Log "
            "the environment steps as 'global_step' to compare runs by them."
        )
    if left_out:
        warnings.add(
            f"{where}: not imported because these are not single numbers or short texts: "
            f"{listed([*left_out], _SHOWN)}.",
            names=[*left_out][:1_000],
        )


def _step_of(row: HistoryRow, env_step: int | None, values: Mapping[str, Any], where: object) -> int:
    step = env_step if row.step is None else row.step
    if step is None:
        raise ImportFormatError(
            f"{where}: no step was logged with {listed([*values], _SHOWN)}, so their order is unknown. Log the "
            "environment steps with them, as 'global_step'"
        )
    return step


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the nested values under names joined with `/`. Texts for NaN and infinities become numbers."""
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and _TYPE not in value:
            yield from _leaves(value, f"{name}/")
        else:
            yield name, NON_FINITE.get(value, value) if isinstance(value, str) else value
