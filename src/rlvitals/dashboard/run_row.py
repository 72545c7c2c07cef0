"""Rows of the list of runs, updated while a run is live with bounded memory per run."""

import math
from typing import Any

import msgspec
import numpy as np

from rlvitals.clock import Clock
from rlvitals.dashboard.curve_series import plain_numbers
from rlvitals.diagnosis.block_table import BlockTable
from rlvitals.diagnosis.finding import CRITICAL, INFO, WARNING, all_codes
from rlvitals.diagnosis.finding_events import FINDING, recorded_findings
from rlvitals.records import Event
from rlvitals.records.progress import STEPS, Throughput, first_said
from rlvitals.runs import Header, Run
from rlvitals.runs.column_store import Cells, absent
from rlvitals.runs.column_tail import Batch, Tail
from rlvitals.runs.follower import Follower
from rlvitals.runs.reward_follower import RewardFollower
from rlvitals.runs.reward_series import RewardSeries
from rlvitals.runs.vitality import STALLED
from rlvitals.stats.series.down_sampling import sparks
from rlvitals.summary.levels import RECENT_EPISODES, level_text
from rlvitals.summary.overview import Assessment, Overview, OverviewInputs, overview_from
from rlvitals.summary.status import state_of
from rlvitals.summary.throughput import reported_step
from rlvitals.summary.verdict import has_ended_badly

SPARK_POINTS = 48
_MOST_FINDING_EVENTS = 1_000
_OF_THE_STATUS = frozenset({"stalled", "run-failed"})
"""Codes of the findings that report the status of a run."""


class RunEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that the list of runs and the page of a run share.

    Attributes:
        key: Path of the run relative to the folder of runs, which identifies it in requests.
        overview: Overview of the run; verdict and health are `None` until the first assessment.
        is_open: Whether the run can record more.
        speed: Environment steps per second: recent for an open run, otherwise over the whole run.
        episode_rate: Episodes per minute: recent for an open run, otherwise over the whole run.
        level_texts: Text of each recent level.
    """

    key: str
    tags: list[str]
    overview: Overview
    is_open: bool
    speed: float | None
    episode_rate: float | None
    level_texts: dict[str, str]


def entry_facts(key: str, header: Header, overview: Overview) -> dict[str, Any]:
    """Return the values of the fields of `RunEntry`."""
    return {
        "key": key,
        "tags": list(header.tags),
        "overview": overview,
        "is_open": overview.is_open,
        "speed": overview.speed,
        "episode_rate": overview.episode_rate,
        "level_texts": {name: level_text(name, level) for name, level in overview.levels.items()},
    }


class Tally(msgspec.Struct, frozen=True):
    """Number of open findings, by severity."""

    critical: int
    warning: int
    info: int


class RunRow(RunEntry, frozen=True, kw_only=True):
    """One run in the list.

    Attributes:
        spark: Reward over the run, as at most 48 means.
        not_finite: Number of non-finite rewards.
        findings: Number of open findings by severity, from the assessment or, before it, from the recorded findings.
        worst: Title of the first finding; empty without findings.
        is_judged: Whether the run has been assessed and has enough rewards or updates for a verdict.
        whole: Whether the records have been read; until then, the row is based on the run header.
    """

    spark: list[Any]
    not_finite: int
    findings: Tally
    worst: str
    is_judged: bool
    whole: bool


class RowTracker:
    """Tracker that updates the row of one run.

    Args:
        key: Path of the run relative to the folder of runs.
        run: Run to read.
        clock: Source of the current time.
    """

    def __init__(self, key: str, run: Run, clock: Clock) -> None:
        self.key = key
        self.reader = run
        self.clock = clock
        self.refreshed = -math.inf
        self._begin()

    def _begin(self) -> None:
        fields = {stream: ("time", *steps) for stream, steps in STEPS.items()}
        fields["episodes"] += ("reward", "success")
        self._tails = {stream: Tail(self.reader.layout, stream, only) for stream, only in fields.items()}
        self._pace = Throughput()
        self._follower = Follower(self.reader.layout, "events")
        self._finding_events: list[Event] = []
        self.finding_count = 0
        self._rewards = BlockTable(("reward",), 2 * SPARK_POINTS)
        self._first, self._recent = ({name: absent(0) for name in ("reward", "success")} for _ in range(2))
        self._rows = dict.fromkeys(fields, 0)
        self.whole = False
        self._series_follower = RewardFollower(self.reader)
        self._series: RewardSeries | None = None

    @property
    def records(self) -> tuple[int, ...]:
        """Number of rewards, updates and system samples, as in `WatchedRun.records`."""
        series = self._series  # another thread can replace it
        rewards = self._rows["episodes"] if series is None else series.values.size
        return rewards, self._rows["updates"], self._rows["system"]

    def read(self) -> None:
        """Read the new records.

        Raises:
            RunError: The run cannot be read.
        """
        self.refreshed = self.clock.monotonic()
        header = self.reader.header
        if any(tail.broken(header) for tail in self._tails.values()):
            self._begin()
        for stream, tail in self._tails.items():
            for batch in tail.read(header):
                steps = first_said(*(batch.cells(name).numbers for name in STEPS[stream]))
                self._pace.take(stream, batch.cells("time").numbers, steps)
                self._rows[stream] += batch.rows
                if stream == "episodes":
                    self._take_episodes(batch)
        self._series = None if self._rewards.records else self._series_follower.read(self.clock.monotonic())
        events = [event for event in self._follower.read() if event.kind == FINDING]
        self._finding_events = (self._finding_events + events)[-_MOST_FINDING_EVENTS:]
        self.finding_count += len(events)
        self.whole = True

    def _take_episodes(self, batch: Batch) -> None:
        for kept, part in ((self._first, slice(RECENT_EPISODES)), (self._recent, slice(-RECENT_EPISODES, None))):
            for name, before in kept.items():
                pairs = zip(before, batch.cells(name), strict=True)
                kept[name] = Cells(*(np.concatenate([old, new[part]])[part] for old, new in pairs))
        rewards = batch.cells("reward")
        self._rewards.extend(rewards.values[np.newaxis], rewards.present[np.newaxis])

    def row(self, assessment: Assessment | None = None) -> RunRow:
        """Return the current row.

        Args:
            assessment: Last assessment, if available.

        Raises:
            RunError: The run can no longer be opened.
        """
        header = self.reader.header
        state = state_of(self.reader, header, clock=self.clock)
        totals = {} if self.whole else header.totals
        rewards = self._rewards
        if self._series is not None:
            rewards = BlockTable(("reward",), 2 * SPARK_POINTS)
            rewards.extend(self._series.values[np.newaxis], np.ones((1, self._series.values.size), dtype=bool))
        overview = overview_from(
            OverviewInputs(
                header=header,
                state=state,
                episodes=totals.get("episodes", self._rewards.records),
                updates=self._rows["updates"] if self.whole else totals.get("updates"),
                steps=(reported_step(self.reader, header, state, clock=self.clock), totals.get("env_step")),
                recent={name: cells.masked for name, cells in self._recent.items()},
                first={name: cells.masked for name, cells in self._first.items()},
                pace=self._pace,
                series=self._series,
                assessment=assessment,
                intervals=False,
            )
        )
        diagnosis = None if assessment is None else assessment.diagnosis
        recorded = tuple(one.finding for one in recorded_findings(self._finding_events) if one.is_open)
        findings = recorded if diagnosis is None else diagnosis.findings
        severities = [finding.severity for finding in findings]
        is_fault = state.status == STALLED or has_ended_badly(state, header)
        if is_fault and not _OF_THE_STATUS & all_codes(findings):
            severities.append(CRITICAL)
        return RunRow(
            **entry_facts(self.key, header, overview),
            spark=plain_numbers(np.asarray(sparks(rewards.mean("reward"), SPARK_POINTS))),
            not_finite=int(rewards.not_finite("reward").sum()),
            findings=Tally(*map(severities.count, (CRITICAL, WARNING, INFO))),
            worst=findings[0].title if findings else "",
            is_judged=diagnosis is not None and diagnosis.is_judged,
            whole=self.whole,
        )
