"""How much of a run there is, counted without loading it."""

from typing import NamedTuple

from rlvitals.records import STREAMS, Episode, PolicyUpdate, Record
from rlvitals.runs.header import Rewind
from rlvitals.runs.run import Run, rewinds_of


class Totals(NamedTuple):
    """What a run's branch that goes on holds."""

    episodes: int = 0
    successes: int = 0
    updates: int = 0
    last_episode: int | None = None
    env_step: int | None = None


def totals(run: Run) -> Totals:
    """Count a run. Branches that a rewind left behind are not counted.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    counted = Totals()
    for name, kind in STREAMS.items():
        if kind in {Episode, PolicyUpdate} and run.layout.segments(name):
            counted = _count(run, name, kind, counted)
    return counted


def _count(run: Run, stream: str, kind: type[Record], so_far: Totals) -> Totals:
    import duckdb  # noqa: PLC0415 - a trainer that begins a new run needs no database

    from rlvitals.errors import RunFormatError  # noqa: PLC0415
    from rlvitals.runs.columns import lines_source, sealed_source  # noqa: PLC0415

    segments = run.layout.segments(stream)
    sealed = [segment.path for segment in segments if segment.sealed]
    lines = [segment.path for segment in segments if not segment.sealed]
    sources = ([sealed_source(sealed)] if sealed else []) + ([lines_source(kind, lines)] if lines else [])
    wanted = "success, episode" if kind is Episode else "NULL AS success, NULL AS episode, step"
    clocks = ("env_step", "episode") if kind is Episode else ("env_step", "step")
    rows = " UNION ALL ".join(
        f"SELECT coalesce(writer, 1) AS writer, env_step, {wanted} FROM {source}" for source in sources
    )
    kept = " AND ".join(_kept(writer, rewind, clocks) for writer, rewind in rewinds_of(run.header)) or "true"
    query = f"SELECT count(*), count(*) FILTER (success), max(env_step), max(episode) FROM ({rows}) WHERE {kept}"
    try:
        with duckdb.connect() as connection:
            found = connection.execute(query).fetchone()
    except duckdb.Error as error:
        raise RunFormatError(f"{run.path} cannot be counted: {error}") from None
    count, successes, env_step, last = found or (0, 0, None, None)
    furthest = max((step for step in (env_step, so_far.env_step) if step is not None), default=None)
    if kind is Episode:
        return so_far._replace(episodes=count, successes=successes, last_episode=last, env_step=furthest)
    return so_far._replace(updates=count, env_step=furthest)


def _kept(writer: int, rewind: Rewind, clocks: tuple[str, ...]) -> str:
    limits = [f"coalesce({clock} > {at}, false)" for clock in clocks if (at := getattr(rewind, clock)) is not None]
    return f"NOT (writer < {writer} AND ({' OR '.join(limits) or 'false'}))"
