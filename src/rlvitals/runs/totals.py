"""How much of a run there is, counted without loading it."""

from typing import TYPE_CHECKING, NamedTuple

from rlvitals.runs.folder import RunFolder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COUNTED = {
    "episodes": "SELECT count(*), max(env_step), count(*) FILTER (success), max(episode) FROM episodes",
    "updates": "SELECT count(*), max(env_step) FROM updates",
}


class Totals(NamedTuple):
    """What a run's branch that goes on holds."""

    episodes: int = 0
    successes: int = 0
    updates: int = 0
    last_episode: int | None = None
    env_step: int | None = None


def totals(run: RunFolder, *, connection: "DuckDBPyConnection | None" = None) -> Totals:
    """Count a run. Branches that a rewind left behind are not counted.

    Args:
        run: The run.
        connection: Where to count; for who counts many runs.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    begun = [stream for stream in _COUNTED if run.layout.segments(stream)]
    if not begun:
        return Totals()
    from rlvitals.runs.table import ask  # noqa: PLC0415 - a trainer that begins a new run needs no database

    found = ask(
        run,
        lambda tables: {name: tables.execute(_COUNTED[name]).fetchone() for name in begun},
        *begun,
        connection=connection,
    )
    episodes, step_of_episodes, successes, last = found.get("episodes") or (0, None, 0, None)
    updates, step_of_updates = found.get("updates") or (0, None)
    furthest = max((step for step in (step_of_episodes, step_of_updates) if step is not None), default=None)
    return Totals(episodes, successes, updates, last, furthest)
