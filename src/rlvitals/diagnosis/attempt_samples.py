"""Samples of the parameters that a run tried, in bounded memory: the most recent rows, and evenly spaced ones.

If episodes report their attempts, each attempt is one row. Otherwise each episode with parameters is one row.
"""

import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rlvitals.records.attempt_rows import AttemptRow, rows_of
from rlvitals.stats.parameters.parameter_columns import ParameterColumn, parameter_column

MOST_RECENT = 1024
"""Maximum number of recent rows."""
MOST_SPACED = 4096
"""Approximate maximum number of evenly spaced rows."""
_MOST_PER_EPISODE = 64
_RECENT_SHARE = 4

T = TypeVar("T")


class SampledEpisode(NamedTuple):
    """Rows of one episode.

    Attributes:
        place: Number of the episode among those with parameters, from 0.
        is_attempts: Whether the rows are attempts.
        category: Category of the episode.
        rows: Parameters and outcomes.
    """

    place: int
    is_attempts: bool
    category: str | None
    rows: Sequence[AttemptRow]


class AttemptTable(NamedTuple):
    """Rows of a sample, in time order.

    Attributes:
        unit: `attempt` or `episode`.
        parameters: Column of each parameter.
        categories: Category of each row. `None` if no row has one.
        items: Episode of each row, shape `(n,)`. `None` if few episodes have several rows.
        rows: The rows.
    """

    unit: str
    parameters: Mapping[str, ParameterColumn]
    categories: list[str | None] | None
    items: NDArray[np.float64] | None
    rows: Sequence[AttemptRow]

    def outcome(self, name: str) -> NDArray[np.float64]:
        """Return an outcome of each row, NaN for missing ones, shape `(n,)`."""
        return np.array([row.outcomes.get(name, np.nan) for row in self.rows], dtype=np.float64)


class AttemptSamples:
    """Samples of the parameters that a run tried. Adding episodes one at a time or together gives the same samples."""

    def __init__(self) -> None:
        self.episodes = 0
        self._stride = 1
        self._spaced: list[SampledEpisode] = []
        self._held = 0
        self._recent: deque[SampledEpisode] = deque()
        self._recent_rows = 0
        self._cache: dict[str, tuple[int, Any]] = {}

    def extend(self, episodes: int, read: Callable[[int], tuple[bool, str | None, Sequence[AttemptRow]]]) -> None:
        """Add episodes that report parameters or attempts.

        Args:
            episodes: Number of the episodes.
            read: Function that returns whether the rows of an episode are attempts, its category, and its rows. It is
                called only for the episodes that are kept.
        """
        first = self.episodes
        at = -first % self._stride
        while at < episodes:
            self._keep(self._read(first, at, read))
            at += self._stride - (first + at) % self._stride
        newest: list[SampledEpisode] = []
        rows = 0
        for at in range(episodes - 1, -1, -1):
            newest.append(self._read(first, at, read))
            rows += len(newest[-1].rows)
            if rows >= MOST_RECENT:
                break
        self._recent.extend(reversed(newest))
        self._recent_rows += rows
        while self._recent_rows - len(self._recent[0].rows) >= MOST_RECENT:
            self._recent_rows -= len(self._recent.popleft().rows)
        self.episodes += episodes

    def recent(self) -> AttemptTable | None:
        """Return the rows of the last quarter of the episodes, at most about 1,024. `None` if there are none."""
        since = self.episodes - max(1, self.episodes // _RECENT_SHARE)
        return _table([episode for episode in self._recent if episode.place >= since])

    def spaced(self) -> AttemptTable | None:
        """Return evenly spaced rows of the whole run, at most about 4,096. `None` if there are none."""
        return _table(self._spaced)

    def cached(self, name: str, make: Callable[[], T], *, growth: float = 0.25) -> T:
        """Return a result that is computed again only when the number of episodes has grown by a share.

        The cost per episode of an expensive analysis then falls as the run grows.

        Args:
            name: Name of the result.
            make: Function that computes it.
            growth: Share of the number of episodes, 0 to 1.
        """
        known = self._cache.get(name)
        if known is None or self.episodes >= (1.0 + growth) * known[0]:
            known = self.episodes, make()
            self._cache[name] = known
        result: T = known[1]
        return result

    def _read(
        self, first: int, at: int, read: Callable[[int], tuple[bool, str | None, Sequence[AttemptRow]]]
    ) -> SampledEpisode:
        is_attempts, category, rows = read(at)
        return SampledEpisode(first + at, is_attempts, category, rows[:: max(1, -(-len(rows) // _MOST_PER_EPISODE))])

    def _keep(self, episode: SampledEpisode) -> None:
        self._spaced.append(episode)
        self._held += len(episode.rows)
        while self._held > MOST_SPACED and len(self._spaced) > 1:
            self._stride *= 2
            self._spaced = [one for one in self._spaced if one.place % self._stride == 0]
            self._held = sum(len(one.rows) for one in self._spaced)


def rows_in(
    attempts: Sequence[Mapping[str, Any]] | None, parameters: Mapping[str, Any] | None, outcomes: Mapping[str, Any]
) -> tuple[bool, Sequence[AttemptRow]]:
    """Return whether an episode reports attempts, and its rows: its attempts, or itself.

    Args:
        attempts: Attempts of the episode.
        parameters: Parameters of the episode.
        outcomes: Outcomes of the episode by name, `None` for missing ones.
    """
    if attempts:
        return True, rows_of(attempts)
    return False, rows_of([{**outcomes, "parameters": parameters}]) if parameters else ()


def _table(episodes: Sequence[SampledEpisode]) -> AttemptTable | None:
    is_attempts = any(episode.is_attempts for episode in episodes)
    chosen = [episode for episode in episodes if episode.is_attempts == is_attempts]
    rows = list(itertools.chain.from_iterable(episode.rows for episode in chosen))
    if not rows:
        return None
    names = dict.fromkeys(name for row in rows for name in row.parameters)
    categories = [episode.category for episode in chosen for _ in episode.rows]
    grouped = sum(len(episode.rows) for episode in chosen if len(episode.rows) > 1)
    items = np.array([episode.place for episode in chosen for _ in episode.rows], dtype=np.float64)
    return AttemptTable(
        unit="attempt" if is_attempts else "episode",
        parameters={name: parameter_column(name, [row.parameters.get(name) for row in rows]) for name in names},
        categories=categories if any(name is not None for name in categories) else None,
        items=items if 2 * grouped >= len(rows) else None,
        rows=rows,
    )
