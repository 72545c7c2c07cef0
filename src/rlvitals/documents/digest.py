"""The digest of a folder: every run of the last days as a row, newest first."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.diagnosis.health import NOT_JUDGED
from rlvitals.documents.document import (
    Block,
    Cell,
    Document,
    Link,
    Prose,
    Section,
    Spark,
    Table,
    Toned,
    filled,
    foot,
    table_of,
    toned,
)
from rlvitals.errors import RunError
from rlvitals.formatting import ABSENT, count, counted, format_duration, listed
from rlvitals.runs import Run, find_runs
from rlvitals.runs.reward_series import reward_series
from rlvitals.stats.series.down_sampling import sparks
from rlvitals.summary.levels import RECENT_EPISODES, level_text
from rlvitals.summary.overview import Overview, overview_of
from rlvitals.summary.status import RunState, state_of
from rlvitals.summary.tones import TONES
from rlvitals.summary.verdict import Verdict

_SPARKS = 24
_MOST_FINDINGS = 3
_MOST_NAMED = 6
_DAY_S = 86_400.0
_BAD_ENDS = {"failed", "crashed"}
_TEXTS = {"status", "verdict", "reward over the run", "findings"}


class DigestRow(NamedTuple):
    """One run of a digest. Its name is its path relative to the folder."""

    name: str
    overview: Overview
    diagnosis: Diagnosis
    spark: tuple[float | None, ...]
    link: str

    @property
    def state(self) -> RunState:
        """State of the run."""
        return self.overview.state

    @property
    def needs_attention(self) -> bool:
        """Whether the run failed or crashed, or has a finding that needs attention."""
        return self.state.status in _BAD_ENDS or bool(self.diagnosis.alarms)


def digest_of(
    folder: Path, since_s: float, *, beside: Path | None = None, report: str = "", clock: Clock = SYSTEM_CLOCK
) -> Document:
    """Make the digest of all runs at or below a folder that were active in the last days.

    Args:
        folder: Folder of runs.
        since_s: Length of the period, in seconds.
        beside: Folder that the digest is written to. Links to the runs' reports are relative to it.
        report: File name of a run's report among its artifacts.
        clock: Clock to use.

    Raises:
        RunNotFoundError: The folder does not exist.
    """
    runs, bad = find_runs(folder)
    now = clock.time()
    rows: list[DigestRow] = []
    for run in runs:
        try:
            state = state_of(run, run.header, clock=clock)
            # The record times of a replayed training can be far in the past or the future, unlike its write time.
            if max(state.updated, state.ended or 0.0) >= now - since_s or state.status == "running":
                rows.append(_row(run, folder, beside, report, clock))
        except RunError as error:
            bad.append((run.path, error))
    rows.sort(key=lambda row: (row.state.updated, row.state.started), reverse=True)
    return Document(
        title=str(folder.absolute().name or folder.absolute()),
        kind=f"Digest of the runs of the last {_lately(since_s)}",
        status=counted(len(rows), "run"),
        verdict=_verdict(rows),
        key_facts=tuple(_key_facts(rows)),
        sections=filled(_sections(rows, [(str(path), str(error)) for path, error in bad], since_s)),
        foot=foot(now),
    )


def _row(run: Run, folder: Path, beside: Path | None, report: str, clock: Clock) -> DigestRow:
    diagnosis = diagnose(evidence_of(run, clock=clock))
    overview = overview_of(run, diagnosis=diagnosis, clock=clock)
    series = reward_series(run) if overview.reward_source else None
    path = run.layout.artifacts / report
    there = beside is not None and bool(report) and path.is_file()
    link = quote(os.path.relpath(path.absolute(), beside.absolute())) if there and beside is not None else ""
    return DigestRow(
        name=os.path.relpath(overview.state.path, folder.absolute()),
        overview=overview,
        diagnosis=diagnosis,
        spark=sparks(run.episodes.numbers("reward") if series is None else series.values, _SPARKS),
        link=link,
    )


def _verdict(rows: list[DigestRow]) -> Verdict:
    if not rows:
        return Verdict("neutral", "No runs", "No run was active in this period.")
    unwell = [row for row in rows if row.needs_attention]
    judged = sum(row.diagnosis.is_judged for row in rows)
    silent = len(rows) - judged
    if not unwell and not judged:
        return Verdict("neutral", "Not judged", f"{counted(silent, 'run')} with too few episodes and updates.")
    if not unwell:
        text = f"No finding in {counted(judged, 'run')}."
        text += f" {counted(silent, 'run')} not judged: too few episodes and updates." if silent else ""
        return Verdict("good", "No run needs attention", text)
    causes: dict[str, list[str]] = {}
    for row in unwell:
        title = row.diagnosis.alarms[0].title if row.diagnosis.alarms else f"The run {row.state.status}"
        causes.setdefault(title, []).append(row.name)
    # The most frequent cause first, with every run under one cause.
    ordered = sorted(causes.items(), key=lambda cause: -len(cause[1]))
    lines = [f"{title}: {listed(names, _MOST_NAMED)}." for title, names in ordered]
    is_bad = any(row.state.status in _BAD_ENDS or row.diagnosis.status == "critical" for row in unwell)
    verb = "needs" if len(unwell) == 1 else "need"
    title = f"{count(len(unwell))} of {counted(len(rows), 'run')} {verb} attention"
    return Verdict("bad" if is_bad else "watch", title, "\n".join(lines))


def _key_facts(rows: list[DigestRow]) -> Iterator[tuple[str, str, str]]:
    if not rows:
        return
    statuses = Counter(row.state.status for row in rows)
    yield "runs", count(len(rows)), ", ".join(f"{many} {status}" for status, many in statuses.most_common())
    yield "need attention", count(sum(row.needs_attention for row in rows)), "failed, crashed or with a finding"
    yield "episodes", count(sum(row.overview.episodes for row in rows)), "in all runs"
    yield "steps", count(sum(row.overview.env_step or 0 for row in rows)), "environment steps in all runs"
    yield "duration", format_duration(sum(row.state.duration for row in rows)), "sum over all runs"


def _sections(rows: list[DigestRow], refused: list[tuple[str, str]], since_s: float) -> Iterator[Section]:
    blocks: list[Block] = [
        table_of(group, _COLUMNS, texts=_TEXTS, caption=day)
        for day, group in groupby(rows, key=lambda row: _day(row.state.updated, since_s))
    ]
    blocks.append(Prose("" if rows else "No run was active in this period."))
    recent = f"Reward and success are means of the last {RECENT_EPISODES} episodes"
    lead = f"Newest first. {recent}. The curve covers the whole run."
    if sources := sorted({row.overview.reward_source for row in rows if row.overview.reward_source}):
        blocks.append(Prose(f"Runs without episodes use a different reward: {'; '.join(sources)}."))
    yield Section("runs", "Runs", lead if rows else "", tuple(blocks))
    table = Table(("folder", "reason"), tuple(refused), texts=(0, 1))
    yield Section("refused", "Folders that could not be read", "", (table,))


_COLUMNS: dict[str, Callable[[DigestRow], Cell]] = {
    "run": lambda row: Link(row.name, row.link) if row.link else row.name,
    "status": lambda row: toned(row.state.status),
    "verdict": lambda row: _verdict_cell(row.overview.verdict),
    "health": lambda row: _health(row.diagnosis),
    "reward over the run": lambda row: Spark(row.spark),
    "reward": lambda row: _level(row.overview, "reward"),
    "success": lambda row: _level(row.overview, "success"),
    "steps": lambda row: count(row.overview.env_step),
    "duration": lambda row: format_duration(row.state.duration),
    "findings": lambda row: _findings(row.diagnosis),
}


def _verdict_cell(verdict: Verdict | None) -> Cell:
    assert verdict is not None, "the runs of a digest are diagnosed"
    return Toned(verdict.title, "quiet" if verdict.tone == "neutral" else verdict.tone)


def _health(diagnosis: Diagnosis) -> Cell:
    if not diagnosis.is_judged:
        return Toned(NOT_JUDGED, "quiet")
    return Toned(str(diagnosis.health_score), TONES.get(diagnosis.status, "good"))


def _findings(diagnosis: Diagnosis) -> Cell:
    titles = [finding.title for finding in diagnosis.findings]
    if not titles:
        return Toned("none" if diagnosis.is_judged else NOT_JUDGED, "quiet")
    more = len(titles) - _MOST_FINDINGS
    return "; ".join(titles[:_MOST_FINDINGS]) + (f" and {count(more)} more" if more > 0 else "")


def _level(overview: Overview, name: str) -> Cell:
    level = overview.levels.get(name)
    if level is None:
        return Toned(ABSENT, "quiet")
    return Toned(level_text(name, level), "bad") if level.not_finite else level_text(name, level)


def _lately(since_s: float) -> str:
    """Format the length of the period in words."""
    for unit, name in ((7 * _DAY_S, "week"), (_DAY_S, "day"), (_DAY_S / 24, "hour")):
        many = since_s / unit
        if many >= 1 and many == int(many):
            return name if many == 1 else f"{many:.0f} {name}s"
    return format_duration(since_s)


def _day(time: float, since_s: float) -> str:
    """Return the heading of a run: its day, if the digest covers more than one."""
    if since_s <= _DAY_S:
        return ""
    try:
        return f"{dt.datetime.fromtimestamp(time, tz=dt.UTC).astimezone():%A, %Y-%m-%d}"
    except (ValueError, OverflowError, OSError):  # a replayed training can have any time
        return "Unknown time"
