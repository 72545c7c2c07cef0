"""One line of the list of runs: what can be told of a run in bounded memory, kept up while it is live."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from rlvitals.clock import Clock
from rlvitals.dashboard.curve_series import plain_numbers
from rlvitals.dashboard.finding_views import Tally, tally
from rlvitals.dashboard.rewards import Rewards
from rlvitals.dashboard.shown_facts import ShownFacts, shown_facts
from rlvitals.diagnosis.diagnose import is_enough
from rlvitals.records import Event
from rlvitals.records.progress import STEPS, Throughput, first_said
from rlvitals.runs import Run
from rlvitals.runs.column_store import Cells, Floats
from rlvitals.runs.column_tail import Batch, Tail
from rlvitals.runs.follower import Follower
from rlvitals.runs.reward_series import RewardSeries
from rlvitals.summary.levels import RECENT_EPISODES
from rlvitals.summary.overview import Overview, OverviewInputs, overview_from
from rlvitals.summary.status import state_of
from rlvitals.summary.throughput import reported_step

SPARK_POINTS = 48
_MOST_EVENTS = 1_000


class RunRow(msgspec.Struct, frozen=True):
    """One run in the list.

    Attributes:
        key: What the run is asked for by: the way from the folder of runs to it.
        tags: Its tags.
        overview: Its overview, without verdict and health.
        shown: What is shown of that.
        spark: The reward over the run, in at most 48 means.
        not_finite: Rewards that are not finite.
        findings: Open findings by severity.
        is_judged: Whether there are enough rewards or updates for a diagnosis.
        whole: Whether the records have been read; before, it is what the header says.
    """

    key: str
    tags: list[str]
    overview: Overview
    shown: ShownFacts
    spark: list[Any]
    not_finite: int
    findings: Tally
    is_judged: bool
    whole: bool


class RewardTrace:
    """A curve of bounded length: means of blocks, which become twice as long when there are too many."""

    def __init__(self, most: int = 2 * SPARK_POINTS) -> None:
        self._sums = np.zeros(most)
        self._counts = np.zeros(most)
        self._block = 1
        self._size = 0

    def extend(self, values: Floats) -> None:
        """Take in values; those that are not finite leave a hole."""
        while self._size + values.size > self._sums.size * self._block:
            for array in (self._sums, self._counts):
                half = array.size // 2
                array[:half] = array[0::2] + array[1::2]
                array[half:] = 0.0
            self._block *= 2
        places = (self._size + np.arange(values.size)) // self._block
        finite = np.isfinite(values)
        with np.errstate(over="ignore"):
            np.add.at(self._sums, places[finite], values[finite])
        np.add.at(self._counts, places[finite], 1.0)
        self._size += values.size

    def means(self) -> Floats:
        """The mean of each block, NaN where it has no finite value."""
        used = -(-self._size // self._block)
        counts = self._counts[:used]
        means: Floats = np.divide(self._sums[:used], counts, out=np.full(used, np.nan), where=counts > 0)
        return means


class RowTracker:
    """Keeps the line of one run.

    Args:
        key: What the run is asked for by.
        run: The run.
        clock: Tells the time.
    """

    def __init__(self, key: str, run: Run, clock: Clock) -> None:
        self.key = key
        self.run = run
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        fields = {stream: ("time", *said) for stream, said in STEPS.items()}
        fields["episodes"] += ("reward", "success")
        self._tails = {stream: Tail(self.run.layout, stream, only) for stream, only in fields.items()}
        self._pace = Throughput()
        self._follower = Follower(self.run.layout, "events")
        self._events: list[Event] = []
        self._trace = RewardTrace()
        self._recent = dict.fromkeys(("reward", "success"), Cells(np.empty(0), np.empty(0, dtype=bool)))
        self._episodes = 0
        self._updates = 0
        self._rewards_seen = 0
        self._not_finite = 0
        self._whole = False
        self._rewards = Rewards(self.run)
        self._series: RewardSeries | None = None

    def read(self) -> None:
        """Take in the records that are new.

        Raises:
            RunError: The run cannot be read.
        """
        header = self.run.header
        if any(tail.broken(header) for tail in self._tails.values()):
            self._begin()
        for stream, tail in self._tails.items():
            for batch in tail.read(header):
                self._pace.take(
                    stream, _numbers(batch, "time"), first_said(*(_numbers(batch, name) for name in STEPS[stream]))
                )
                if stream == "episodes":
                    self._take_episodes(batch)
                elif stream == "updates":
                    self._updates += batch.rows
        self._series = None if self._episodes else self._rewards.read(self._clock.monotonic())
        self._events = (self._events + self._follower.read())[-_MOST_EVENTS:]
        self._whole = True

    def _take_episodes(self, batch: Batch) -> None:
        self._episodes += batch.rows
        for name, before in self._recent.items():
            cells = batch.columns.get(name)
            if cells is None:
                cells = Cells(np.full(batch.rows, np.nan), np.zeros(batch.rows, dtype=bool))
            self._recent[name] = Cells(
                *(np.concatenate(pair)[-RECENT_EPISODES:] for pair in zip(before, cells, strict=True))
            )
            if name == "reward":
                self._trace.extend(np.where(cells.present, cells.values, np.nan))
                finite = np.isfinite(cells.values)
                self._rewards_seen += int(np.count_nonzero(cells.present & finite))
                self._not_finite += int(np.count_nonzero(cells.present & ~finite))

    def row(self) -> RunRow:
        """The line, as the run stands.

        Raises:
            RunError: The run cannot be opened any more.
        """
        header = self.run.header
        state = state_of(self.run, header, clock=self._clock)
        reported = None if self._whole else header.totals.get("env_step")
        spark, not_finite, rewards = _thinned(self._trace.means()), self._not_finite, self._rewards_seen
        if self._series is not None:
            values = self._series.values
            spark = _thinned(np.where(np.isfinite(values), values, np.nan))
            rewards = int(np.isfinite(values).sum())
            not_finite = values.size - rewards
        overview = overview_from(
            OverviewInputs(
                header=header,
                state=state,
                episodes=self._episodes if self._whole else header.totals.get("episodes", 0),
                updates=self._updates if self._whole else header.totals.get("updates"),
                steps=(reported_step(self.run, header, state, clock=self._clock), reported),
                columns={name: cells.masked for name, cells in self._recent.items()},
                pace=self._pace,
                series=self._series,
                intervals=False,
            )
        )
        return RunRow(
            key=self.key,
            tags=list(header.tags),
            overview=overview,
            shown=shown_facts(overview),
            spark=plain_numbers(spark),
            not_finite=not_finite,
            findings=tally(self._events, state.status),
            is_judged=is_enough(rewards, self._updates),
            whole=self._whole,
        )


def _numbers(batch: Batch, name: str) -> Floats:
    cells = batch.columns.get(name)
    return np.full(batch.rows, np.nan) if cells is None else np.where(cells.present, cells.values, np.nan)


def _thinned(means: Floats) -> Floats:
    if means.size <= SPARK_POINTS:
        return means
    pairs: Iterable[Floats] = np.array_split(means, SPARK_POINTS)
    return np.asarray([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in pairs])
