"""Columns of a run for its summary and its curves, read once."""

from typing import NamedTuple

import duckdb
import numpy as np

from rlvitals.records import PolicyUpdate
from rlvitals.records.progress import STEPS, Throughput
from rlvitals.records.schema import Column as Kind
from rlvitals.records.schema import fields
from rlvitals.runs import Run
from rlvitals.runs.answer import Column
from rlvitals.runs.queries import ask
from rlvitals.summary.objective_columns import read_custom_objectives
from rlvitals.summary.throughput import throughput_in

MEASURES = ("reward", "quality_final", "quality_improvement", "quality_initial", "length", "duration", "memory")
"""Quantities of an episode."""

_COLUMNS = {
    "episodes": (
        "time", "episode", "env_step", *MEASURES, "success", "category", "difficulty", "termination_reason",
    ),
    "updates": tuple(field.name for field in fields(PolicyUpdate) if field.column in {Kind.NUMBER, Kind.COUNT}),
    "system": ("time", "env_step", "memory", "cpu_percent", "gpu_memory", "env_steps_per_second"),
}  # fmt: skip


class RunColumns(NamedTuple):
    """Columns of a run at one time, by name, each of shape `(n,)`. Missing values are masked.

    The episodes include the custom objectives (`rlvitals.records.objectives`), by name.

    Attributes:
        pace: Throughput of environment steps over the whole run.
    """

    episodes: dict[str, Column]
    updates: dict[str, Column]
    system: dict[str, Column]
    pace: Throughput

    def last(self, most: int | None) -> "RunColumns":
        """Return at most `most` of the last episodes and updates, or all for `None`."""
        if most is None:
            return self
        episodes = {name: column[-most:] for name, column in self.episodes.items()}
        return self._replace(episodes=episodes, updates={name: column[-most:] for name, column in self.updates.items()})


def read_columns(run: Run) -> RunColumns:
    """Read the columns of a run. Branches that a rewind left behind are ignored.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    found = ask(run, _read, *STEPS)
    return found._replace(episodes=found.episodes | read_custom_objectives(run, found.episodes["time"].size))


def _read(tables: duckdb.DuckDBPyConnection) -> RunColumns:
    def columns(stream: str) -> dict[str, Column]:
        found = tables.execute(f"SELECT {', '.join(_COLUMNS[stream])} FROM {stream}").fetchnumpy()  # noqa: S608 - ours
        return {name: np.ma.asarray(column) for name, column in found.items()}

    return RunColumns(columns("episodes"), columns("updates"), columns("system"), throughput_in(tables))
