"""Counting of the records of a run without loading them."""

from typing import TYPE_CHECKING, Any, NamedTuple

from rlvitals.records.progress import STEPS, furthest_of
from rlvitals.runs.folder import RunFolder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EPISODES = "SELECT count(*), count(*) FILTER (success), max(episode) FROM episodes"
_UPDATES = "SELECT count(*) FROM updates"


class Totals(NamedTuple):
    """Totals of a run without abandoned branches. `env_step` is the highest environment step of any record."""

    episodes: int = 0
    successes: int = 0
    updates: int = 0
    last_episode: int | None = None
    env_step: int | None = None


def totals(run: RunFolder, *, connection: "DuckDBPyConnection | None" = None) -> Totals:
    """Count the records of a run. Branches that a rewind abandoned are not counted.

    Args:
        run: Run to count.
        connection: DuckDB connection to use. Pass one to count many runs.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    begun = [stream for stream in STEPS if run.layout.segments(stream)]
    if not begun:
        return Totals()
    from rlvitals.runs.queries import ask  # noqa: PLC0415 - a trainer that starts a new run needs no database

    return ask(run, lambda tables: _count(tables, begun), *begun, connection=connection)


def step_column(stream: str) -> str:
    """Return SQL for the environment step in a stream; it is `NULL` for a stream without one."""
    return f"coalesce({', '.join(STEPS[stream])}, NULL)"


def _count(tables: "DuckDBPyConnection", begun: list[str]) -> Totals:
    said: tuple[Any, ...] = (0, 0, None)
    episodes, successes, last = (tables.execute(_EPISODES).fetchone() if "episodes" in begun else None) or said
    (updates,) = (tables.execute(_UPDATES).fetchone() if "updates" in begun else None) or (0,)
    furthest = [
        tables.execute(f"SELECT max({step_column(stream)}) FROM {stream}").fetchone() or (None,) for stream in begun
    ]
    return Totals(episodes, successes, updates, last, furthest_of(*(step for (step,) in furthest)))
