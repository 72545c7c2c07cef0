"""The digest of a folder: every run of the last days, a row each, newest first."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.diagnosis.health import NOT_JUDGED
from rlvitals.documents.document import Block, Cell, Document, Link, Prose, Section, Spark, Table, Toned
from rlvitals.documents.footer import foot
from rlvitals.documents.run_curves import sparks
from rlvitals.errors import RunError
from rlvitals.formatting import ABSENT, count, format_duration
from rlvitals.runs import Run, find_runs
from rlvitals.runs.reward_series import reward_series
from rlvitals.summary.levels import RECENT_EPISODES, level_text
from rlvitals.summary.overview import Overview, overview_of
from rlvitals.summary.status import Life, life_of
from rlvitals.summary.verdict import Verdict

_SPARKS = 24
_MOST_FINDINGS = 3
_DAY_S = 86_400.0
_BAD_ENDS = {"failed", "crashed"}
_VERDICT_TONES = {"neutral": "quiet"}
_STATUS_TONES = {
    "running": "good",
    "failed": "bad",
    "crashed": "bad",
    "stalled": "watch",
    "paused": "watch",
    "preempted": "watch",
}


class DigestRow(NamedTuple):
    """One run of a digest."""

    overview: Overview
    diagnosis: Diagnosis
    spark: tuple[float | None, ...]
    link: str

    @property
    def life(self) -> Life:
        """Its status."""
        return self.overview.life

    @property
    def needs_a_look(self) -> bool:
        """Whether it ended badly, or a rule found a fault."""
        return self.life.status in _BAD_ENDS or bool(self.diagnosis.alarms)


def digest_of(
    folder: Path, since_s: float, *, beside: Path | None = None, report: str = "", clock: Clock = SYSTEM_CLOCK
) -> Document:
    """Make the digest of all runs at or below a folder that were alive in the last days.

    Args:
        folder: Where the runs are.
        since_s: How far back, in seconds.
        beside: The folder that the digest is written to, from which links lead to the runs' own reports.
        report: What a run's own report is called, among its artifacts.
        clock: Tells the time.

    Raises:
        RunNotFoundError: There is no such folder.
    """
    runs, bad = find_runs(folder)
    now = clock.time()
    rows: list[DigestRow] = []
    for run in runs:
        try:
            life = life_of(run, run.header, clock=clock)
            # Moments that a replayed training made up are not after now: the digest is of what was alive lately.
            if max(life.updated, life.ended or 0.0) >= now - since_s or life.status == "running":
                rows.append(_row(run, beside, report, clock))
        except RunError as error:
            bad.append((run.path, error))
    rows.sort(key=lambda row: (row.life.updated, row.life.started), reverse=True)
    return Document(
        title=str(folder.absolute().name or folder.absolute()),
        kind=f"Digest of the runs of the last {_lately(since_s)}",
        status=f"{count(len(rows))} runs",
        verdict=_verdict(rows),
        key_facts=tuple(_key_facts(rows)),
        sections=tuple(_sections(rows, [(str(path), str(error)) for path, error in bad], since_s)),
        foot=foot(now),
    )


def _row(run: Run, beside: Path | None, report: str, clock: Clock) -> DigestRow:
    diagnosis = diagnose(evidence_of(run, clock=clock))
    overview = overview_of(run, diagnosis=diagnosis, clock=clock)
    series = reward_series(run) if overview.reward_source else None
    path = run.layout.artifacts / report
    there = beside is not None and bool(report) and path.is_file()
    link = quote(os.path.relpath(path.absolute(), beside.absolute())) if there and beside is not None else ""
    return DigestRow(
        overview=overview,
        diagnosis=diagnosis,
        spark=sparks(run.episodes.numbers("reward") if series is None else series.values, _SPARKS),
        link=link,
    )


def _verdict(rows: list[DigestRow]) -> Verdict:
    if not rows:
        return Verdict("neutral", "Nothing happened", "No run was alive in that time.")
    unwell = [row for row in rows if row.needs_a_look]
    if not unwell:
        judged = sum(row.diagnosis.is_judged for row in rows)
        if not judged:
            return Verdict(
                "neutral", "Nothing to judge", f"{count(len(rows))} runs, with too few episodes and updates."
            )
        text = f"{count(judged)} runs, and nothing wrong was found in any."
        if judged < len(rows):
            text += f" {count(len(rows) - judged)} with too few episodes and updates are not judged."
        return Verdict("good", "All is well", text)
    causes = Counter(finding.title for row in unwell for finding in row.diagnosis.alarms[:1])
    often = ", ".join(f"{title} ({many})" for title, many in causes.most_common(3))
    is_bad = any(row.life.status in _BAD_ENDS or row.diagnosis.status == "critical" for row in unwell)
    text = f"{often}." if often else "They failed or crashed."
    return Verdict("bad" if is_bad else "watch", f"{len(unwell)} of {len(rows)} runs need a look", text)


def _key_facts(rows: list[DigestRow]) -> Iterator[tuple[str, str, str]]:
    if not rows:
        return
    statuses = Counter(row.life.status for row in rows)
    yield "runs", count(len(rows)), ", ".join(f"{many} {status}" for status, many in statuses.most_common())
    yield "need a look", count(sum(row.needs_a_look for row in rows)), "failed, crashed or with an alarm"
    yield "episodes", count(sum(row.overview.episodes for row in rows)), "in all of these runs"
    yield "steps", count(sum(row.overview.env_step or 0 for row in rows)), "environment steps"
    yield "trained", format_duration(sum(row.life.duration for row in rows)), "all together"


def _sections(rows: list[DigestRow], refused: list[tuple[str, str]], since_s: float) -> Iterator[Section]:
    blocks: list[Block] = [
        _table(list(group), day) for day, group in groupby(rows, key=lambda row: _day(row.life.updated, since_s))
    ]
    if not rows:
        blocks.append(Prose("No run was alive in that time."))
    recent = f"Reward and success are means of the last {RECENT_EPISODES} episodes"
    lead = f"Newest first. {recent}; the curve is over the whole run."
    if sources := sorted({row.overview.reward_source for row in rows if row.overview.reward_source}):
        blocks.append(Prose(f"Runs without episodes have another reward: {'; '.join(sources)}."))
    yield Section("runs", "Runs", lead if rows else "", tuple(blocks))
    if refused:
        table = Table(("folder", "reason"), tuple(refused), texts=(0, 1))
        yield Section("refused", "Not opened", "", (table,))


def _table(rows: list[DigestRow], day: str) -> Table:
    titles = (
        "run",
        "status",
        "verdict",
        "health",
        "reward over the run",
        "reward",
        "success",
        "steps",
        "lasted",
        "findings",
    )
    return Table(titles, tuple(map(_cells, rows)), texts=(0, 1, 2, 4, 9), caption=day)


def _cells(row: DigestRow) -> tuple[Cell, ...]:
    life, diagnosis, verdict = row.life, row.diagnosis, row.overview.verdict
    assert verdict is not None, "a digest is of runs that were looked at"
    findings = diagnosis.findings[:_MOST_FINDINGS]
    more = f" and {len(diagnosis.findings) - len(findings)} more" if len(diagnosis.findings) > len(findings) else ""
    tone = {"critical": "bad", "warning": "watch"}.get(diagnosis.status, "good")
    said = "; ".join(finding.title for finding in findings) + more
    return (
        Link(life.run_id, row.link) if row.link else life.run_id,
        Toned(life.status, _STATUS_TONES.get(life.status, "")),
        Toned(verdict.title, _VERDICT_TONES.get(verdict.tone, verdict.tone)),
        Toned(str(diagnosis.health_score), tone) if diagnosis.is_judged else Toned(ABSENT, "quiet"),
        Spark(row.spark),
        _level(row.overview, "reward"),
        _level(row.overview, "success"),
        count(row.overview.env_step),
        format_duration(life.duration),
        said or Toned("none" if diagnosis.is_judged else NOT_JUDGED, "quiet"),
    )


def _level(overview: Overview, name: str) -> Cell:
    level = overview.levels.get(name)
    if level is None:
        return Toned(ABSENT, "quiet")
    return Toned(level_text(name, level), "bad") if level.not_finite else level_text(name, level)


def _lately(since_s: float) -> str:
    """A length of time as people say it."""
    for unit, name in ((7 * _DAY_S, "week"), (_DAY_S, "day"), (_DAY_S / 24, "hour")):
        many = since_s / unit
        if many >= 1 and many == int(many):
            return name if many == 1 else f"{many:.0f} {name}s"
    return format_duration(since_s)


def _day(time: float, since_s: float) -> str:
    """The heading that a run stands under: its day, where the digest is of more than one."""
    if since_s <= _DAY_S:
        return ""
    try:
        return f"{dt.datetime.fromtimestamp(time, tz=dt.UTC).astimezone():%A, %Y-%m-%d}"
    except (ValueError, OverflowError, OSError):  # a replayed training may say any number
        return "At no known time"
