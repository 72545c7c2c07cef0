"""What stands at the top of a run's page: where it is, how it goes, and what is wrong, in five seconds."""

from typing import Any

import msgspec
import numpy as np

from rlvitals.analysis.intervals import mean_interval, rate_interval
from rlvitals.analysis.trend import trend
from rlvitals.dashboard.columns import Floats
from rlvitals.dashboard.findings import FindingView, recorded_findings
from rlvitals.dashboard.glance import RECENT
from rlvitals.dashboard.series import plain_numbers
from rlvitals.dashboard.watched import WatchedRun
from rlvitals.diagnosis import Diagnosis, Finding
from rlvitals.diagnosis.health import Loss
from rlvitals.diagnosis.lacking import in_words
from rlvitals.pace import STEPS, Pace, first_said, furthest_of, seconds_left, share_of
from rlvitals.runs.pictures import IMAGE
from rlvitals.runs.reward_series import recent_of
from rlvitals.summary.life import OPEN, Life, away_of, life_of
from rlvitals.summary.pacing import episodes_per_minute, step_said
from rlvitals.words import number

_TREND_EPISODES = 1_000
_LEVELS = ("reward", "quality_final", "quality_improvement", "length")
_MOST_FINDINGS = 100


class Level(msgspec.Struct, frozen=True):
    """A quantity over the last 100 episodes: its mean with the 95 % interval, and the mean of the first 100.

    Attributes:
        reported: How many of these episodes reported it, where it is a share; else how many they are.
        episodes: How many episodes these are.
    """

    mean: Any
    low: float | None
    high: float | None
    first: float | None
    not_finite: int
    reported: int
    episodes: int


class Waiting(msgspec.Struct, frozen=True):
    """A run in which no episode has ended yet.

    Attributes:
        env_step: Environment steps so far, if they are said.
        environments: How many run side by side, if that is known.
        longest_open: Steps of the longest episode that is still open, at most.
    """

    env_step: int | None
    environments: int | None
    longest_open: int | None


class Verdict(msgspec.Struct, frozen=True):
    """The five seconds.

    Attributes:
        tone: good, watch, bad or neutral.
        title: In a word or two.
        text: In a sentence.
    """

    tone: str
    title: str
    text: str


class HealthView(msgspec.Struct, frozen=True):
    """The health score, 0 to 100 (`None`: not judged), and where its points went."""

    score: int | None
    status: str
    losses: list[Loss]


class Head(msgspec.Struct, frozen=True):
    """The top of a run's page. Moments are UTC, seconds since 1970; lengths of time are seconds.

    Attributes:
        key: What the run is asked for by.
        goal: Environment steps that it is to take.
        target: The reward that counts as solved.
        left: Until the goal, at the speed of late.
        steps_per_second: Over the run (`rlvitals.pace`); `episodes_per_minute` likewise.
        recent_steps_per_second: Lately; `recent_episodes_per_minute` likewise.
        levels: Of the last 100 episodes: reward, quality, length.
        trend: improving, stable, declining or not enough data: of the reward over the last 1,000 episodes.
        not_finite: How many values are not finite, by `stream.field`.
        waiting: Told before the first episode of a run ends that still goes on.
        reward_source: What stands for the reward where no episode was recorded (`runs.reward_series`); else empty.
        health: `None` until it has been worked out.
        unjudged: Rules that had nothing to look at, with what to log so that they have.
        rows: Rows of each stream, with which the columns that are pushed go on.
        fields: The columns of each stream that have a value.
        labels: The texts of columns of codes, by `stream.field`.
        pictures: How many pictures there are.
        trouble: Why the run cannot be read at present; empty if it can.
    """

    key: str
    run_id: str
    project: str
    tags: list[str]
    status: str
    reason: str
    started: float
    ended: float | None
    updated: float
    duration: float
    now: float
    episodes: int
    updates: int
    env_step: int | None
    goal: float | None
    target: float | None
    progress: float | None
    left: float | None
    steps_per_second: float | None
    recent_steps_per_second: float | None
    episodes_per_minute: float | None
    recent_episodes_per_minute: float | None
    levels: dict[str, Level]
    success: Level | None
    trend: str
    not_finite: dict[str, int]
    losses: dict[str, int]
    waiting: Waiting | None
    reward_source: str
    verdict: Verdict
    findings: list[FindingView]
    health: HealthView | None
    unjudged: dict[str, list[str]]
    rows: dict[str, int]
    fields: dict[str, list[str]]
    labels: dict[str, list[str]]
    evaluations: int
    events: int
    pictures: int
    failure: str
    trouble: str


def head_of(run: WatchedRun, diagnosis: Diagnosis | None) -> Head:
    """Make the top of a run's page.

    Args:
        run: The run.
        diagnosis: The last that was made, if there is one.

    Raises:
        RunError: The run cannot be read.
    """
    header, episodes, updates = run.header, run.columns["episodes"], run.columns["updates"]
    life = life_of(run.reader, header, clock=run.clock)
    times = episodes.numbers("time")[: run.episodes]
    pace, rate = run.kept("pace", lambda: (_pace(run), episodes_per_minute(times)))
    furthest = furthest_of(pace.furthest, step_said(run.reader, header, life, clock=run.clock))
    is_open, away = life.status in OPEN, away_of(header)
    lately = pace.lately(away, is_open=is_open)
    goal = header.goals.get("total_timesteps")
    going = run.kept("trend", lambda: str(trend(episodes.numbers("reward")[-_TREND_EPISODES:]).verdict))
    levels, success = run.kept("levels", lambda: _levels(run))
    findings = _findings(run, diagnosis)
    failure = "" if header.failure is None else header.failure.text
    waiting = _waiting(run, furthest) if is_open and not episodes.rows else None
    return Head(
        key=run.key,
        run_id=header.run_id,
        project=header.project,
        tags=list(header.tags),
        status=life.status,
        reason=life.reason,
        started=life.started,
        ended=life.ended,
        updated=life.updated,
        duration=life.duration,
        now=run.clock.time(),
        episodes=run.episodes,
        updates=updates.rows,
        env_step=furthest,
        goal=goal,
        target=header.goals.get("target"),
        progress=share_of(goal, furthest),
        left=seconds_left(goal, furthest, lately, is_open=is_open),
        steps_per_second=pace.over_the_run(away),
        recent_steps_per_second=lately,
        episodes_per_minute=rate.over_the_run(away),
        recent_episodes_per_minute=rate.lately(away, is_open=is_open),
        levels=levels,
        success=success,
        trend=going,
        not_finite=run.kept("not_finite", lambda: _not_finite(run)),
        losses=life.losses,
        waiting=waiting,
        reward_source=run.reward_source,
        verdict=_verdict(life, findings, going, levels.get("reward"), waiting, failure, run.reward_source),
        findings=findings,
        health=None
        if diagnosis is None
        else HealthView(diagnosis.health.score, diagnosis.health.status, list(diagnosis.health.losses)),
        unjudged={} if diagnosis is None else {rule.code: [in_words(rule.missing)] for rule in diagnosis.unjudged},
        rows={stream: columns.rows for stream, columns in run.columns.items()},
        fields={stream: columns.said for stream, columns in run.columns.items()},
        labels={
            f"{stream}.{field}": run.label(stream, field)
            for stream, field in (("episodes", "category"), ("episodes", "termination_reason"))
        },
        evaluations=len(run.evaluations),
        events=len(run.events),
        pictures=sum(event.kind == IMAGE for event in run.events),
        failure=failure,
        trouble=run.trouble,
    )


def _pace(run: WatchedRun) -> Pace:
    pace = Pace()
    for stream, columns in run.columns.items():
        if stream in STEPS:
            # Rewards that stand for episodes may be at steps of another clock.
            rows = run.episodes if stream == "episodes" else columns.rows
            times, steps = columns.numbers("time"), first_said(*map(columns.numbers, STEPS[stream]))
            pace.take(stream, times[:rows], steps[:rows])
    pace.take_records("evaluations", run.evaluations)
    return pace


def _levels(run: WatchedRun) -> tuple[dict[str, Level], Level | None]:
    episodes = run.columns["episodes"]
    # A value may be the mean of a hundred episodes already: fewer of those are the present level.
    recent = recent_of(episodes.rows) if run.reward_source else RECENT
    found = {name: _level(episodes.numbers(name), recent) for name in _LEVELS if episodes.has(name)}
    levels = {name: level for name, level in found.items() if level is not None}
    said = episodes.numbers("success")
    return levels, _level(said, is_rate=True) if episodes.has("success") else None


def _level(values: Floats, many: int = RECENT, *, is_rate: bool = False) -> Level | None:
    if not values.size:
        return None
    recent, first, last = values[-many:], values[:many], min(values.size, many)
    if is_rate:  # NaN where success was not reported
        recent = recent[~np.isnan(recent)]
    if not recent.size:
        return None
    found = rate_interval(recent, independent=True) if is_rate else mean_interval(recent)
    bad = int(np.count_nonzero(~np.isfinite(recent)))
    with np.errstate(invalid="ignore", over="ignore"):
        mean = plain_numbers(np.asarray([recent.mean()]))[0]
        begun = float(first[np.isfinite(first)].mean()) if np.isfinite(first).any() else None
    return Level(mean, _known(found.low), _known(found.high), begun, bad, int(recent.size), last)


def _not_finite(run: WatchedRun) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stream, columns in run.columns.items():
        for name in columns.said:
            cells = columns.cells(name)
            bad = int(np.count_nonzero(cells.present & ~np.isfinite(cells.values)))
            if bad:
                counts[f"{stream}.{name}"] = bad
    return counts


def _waiting(run: WatchedRun, furthest: int | None) -> Waiting:
    beat = run.reader.vitality(clock=run.clock).heartbeat
    steps = max((step for step in (furthest, beat.env_step if beat else None) if step is not None), default=None)
    said = run.header.configuration.get("n_envs")
    environments = said if isinstance(said, int) and said > 0 else None
    longest = None if steps is None else steps // (environments or 1)
    return Waiting(steps, environments, longest)


def _findings(run: WatchedRun, diagnosis: Diagnosis | None) -> list[FindingView]:
    recorded = recorded_findings(run.events)
    judged = [] if diagnosis is None else [_view(finding) for finding in diagnosis.findings]
    codes = {code for finding in judged for code in (finding.code, *(symptom.code for symptom in finding.symptoms))}
    found = judged + [finding for finding in recorded if finding.code not in codes]
    found.sort(key=lambda one: not one.open)
    return [
        msgspec.structs.replace(one, at=run.place(one.since_step, run.header.started))
        if one.since_step is not None
        else one
        for one in found[:_MOST_FINDINGS]
    ]


def _view(finding: Finding) -> FindingView:
    return FindingView(
        code=finding.code,
        severity=finding.severity,
        title=finding.title,
        confidence=finding.confidence,
        since_step=finding.since_step,
        evidence=dict(finding.evidence),
        series=list(finding.series),
        cause=finding.cause,
        advice=finding.advice,
        source=finding.source,
        symptoms=[_view(symptom) for symptom in finding.symptoms],
    )


def _verdict(
    life: Life,
    findings: list[FindingView],
    going: str,
    reward: Level | None,
    waiting: Waiting | None,
    failure: str,
    source: str,
) -> Verdict:
    why = failure or life.reason[:1].upper() + life.reason[1:]
    if life.status in {"failed", "crashed"}:
        return Verdict("bad", life.status.capitalize(), why)
    worst = next((one for one in findings if one.open and one.severity in {"critical", "warning"}), None)
    if worst is not None:
        is_critical = any(one.open and one.severity == "critical" for one in findings)
        return Verdict("bad" if is_critical else "watch", worst.title, worst.cause)
    if life.status in {"stalled", "preempted"}:
        return Verdict("watch", life.status.capitalize(), why)
    if waiting is not None:
        return Verdict("neutral", "No episode finished yet", _waiting_text(waiting))
    return _learning(life, going, reward, source)


def _learning(life: Life, going: str, reward: Level | None, source: str) -> Verdict:
    if reward is None:
        return Verdict("neutral", "No reward recorded", "Learning cannot be judged without a reward.")
    words = {
        "improving": ("good", "Learning", "The reward is rising over the last episodes."),
        "declining": ("watch", "Falling", "The reward is falling over the last episodes."),
        "stable": ("neutral", "Steady", "The reward stays where it is over the last episodes."),
    }
    tone, title, text = words.get(going, ("neutral", "Too early to tell", "There are too few episodes to see a trend."))
    if life.status == "completed":
        title = "Completed" if tone != "good" else "Completed, still rising"
    return Verdict(tone, title, _against_start(reward, source) or text)


def _against_start(reward: Level, source: str) -> str:
    if reward.first is None or not isinstance(reward.mean, float):
        return ""
    if source:
        return f"Reward {number(reward.first)} at first, {number(reward.mean)} now: {source}."
    if reward.episodes < RECENT:  # the first and the last are the same
        return ""
    return f"Reward {number(reward.first)} in the first 100 episodes, {number(reward.mean)} in the last."


def _waiting_text(waiting: Waiting) -> str:
    if waiting.longest_open is None:
        return "Nothing is known of the episodes that are open."
    return f"Longest open: {waiting.longest_open:,} steps."


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
