"""The overview of a run: status, progress, speed, recent results, trend, verdict and health.

Every output takes these facts from here: the list of runs, `watch`, `show`, reports, the dashboard and notebooks. There
is one definition with three sources: the last records of a run, its whole run folder, or a live training.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import duckdb
import msgspec
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.families import is_study
from rlvitals.diagnosis.health import Health
from rlvitals.records.objectives import custom_objectives
from rlvitals.records.progress import STEPS, Throughput, furthest_of, seconds_left, share_of
from rlvitals.runs import Header, Run
from rlvitals.runs.answer import Column
from rlvitals.runs.queries import ask
from rlvitals.runs.reward_series import RewardSeries, reward_series
from rlvitals.stats.series.course import Course, course
from rlvitals.summary.best_trial import BestTrial, best_trial_of
from rlvitals.summary.levels import LEVELS, Episodes, Level, levels_of
from rlvitals.summary.measures import Floats, TrendEstimate, trend_estimate_of
from rlvitals.summary.objective_columns import read_custom_objectives
from rlvitals.summary.status import RunState, away_of, state_of
from rlvitals.summary.throughput import episodes_per_minute, recorded_time, reported_step, throughput_in
from rlvitals.summary.verdict import Verdict, verdict_of


class Assessment(NamedTuple):
    """The expensive results for a run.

    Attributes:
        diagnosis: Diagnosis of the run.
        course: Course of its reward. `None` if it has no reward, or if it is a study.
        best_trial: Best trial of a study. `None` for other runs.
    """

    diagnosis: Diagnosis
    course: Course | None
    best_trial: BestTrial | None = None


class RewardCourse(msgspec.Struct, frozen=True):
    """Course of the reward, over the whole run and recently (`rlvitals.stats.series.course`).

    Attributes:
        status: Status over the whole run: converged, flat, improving, declining or not enough data.
        rewards: Number of rewards.
        recent: Trend of the last `recent_rewards` rewards.
        recent_rewards: Size of the last quarter, at least 100 and at most 1,000 rewards.
    """

    status: str
    rewards: int
    recent: TrendEstimate
    recent_rewards: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Key facts of a run. Times are UTC, seconds since 1970. Durations are in seconds.

    Attributes:
        state: Name, path, status, start, end and duration.
        episodes: Number of episodes.
        updates: Number of policy updates. `None` if they were not counted.
        env_step: Number of environment steps.
        goal: Planned number of environment steps (`total_timesteps`).
        target: Reward that counts as solved.
        progress: Completed share of the goal, at most 1.
        seconds_left: Time until the goal at the recent speed, while the run is open.
        steps_per_second: Environment steps per second over the whole run, without the time between its sessions.
        recent_steps_per_second: Environment steps per second over the last tenth, at least 1 and at most 10 minutes.
        episodes_per_minute: Episodes per minute over the whole run.
        recent_episodes_per_minute: Episodes per minute over the same recent period.
        levels: Mean of the last 100 episodes for each reported quantity (`rlvitals.summary.levels`).
        reward_source: Source of the reward if no episode was recorded (`runs.reward_series`). Otherwise empty.
        course: Course of the reward. `None` if there is no reward, it was not computed, or the run is a study.
        is_study: Whether the run is a hyperparameter search, whose episodes are trials.
        best_trial: Best trial of a study with one objective. `None` for other runs, or if it was not computed.
        verdict: Verdict. `None` if it was not computed.
        health: Health score, which can be "not judged". `None` if it was not computed.
        evidence: Available and required evidence if the run is not judged. Otherwise empty.
    """

    state: RunState
    episodes: int
    updates: int | None
    env_step: int | None
    goal: float | None
    target: float | None
    progress: float | None
    seconds_left: float | None
    steps_per_second: float | None
    recent_steps_per_second: float | None
    episodes_per_minute: float | None
    recent_episodes_per_minute: float | None
    levels: dict[str, Level]
    reward_source: str
    course: RewardCourse | None
    is_study: bool
    best_trial: BestTrial | None
    verdict: Verdict | None
    health: Health | None
    evidence: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the run can record more."""
        return self.state.is_open

    @property
    def speed(self) -> float | None:
        """Environment steps per second: recent while the run is open, otherwise over the whole run."""
        return self.recent_steps_per_second if self.is_open else self.steps_per_second

    @property
    def episode_rate(self) -> float | None:
        """Episodes per minute: recent while the run is open, otherwise over the whole run."""
        return self.recent_episodes_per_minute if self.is_open else self.episodes_per_minute


class OverviewInputs(NamedTuple):
    """Inputs of an overview. Inputs that are `None` are not used.

    Attributes:
        header: Header of the run, as just read.
        state: State of the run.
        episodes: Number of episodes.
        updates: Number of updates.
        steps: Environment steps that were observed or reported, in addition to those in `pace`.
        recent: Last episodes, at least 100, as records or as columns (`levels_of`).
        first: First 100 episodes, as records or as columns.
        pace: Throughput of environment steps.
        episode_pace: Throughput of episodes, per minute.
        series: Reward series of a run without episodes.
        assessment: Diagnosis and course of the reward.
        intervals: Whether the levels have intervals.
        recorded_seconds: Time that the records cover, if no throughput is given.
    """

    header: Header
    state: RunState
    episodes: int
    updates: int | None
    steps: Iterable[float | None]
    recent: Episodes
    first: Episodes = ()
    pace: Throughput | None = None
    episode_pace: Throughput | None = None
    series: RewardSeries | None = None
    assessment: Assessment | None = None
    intervals: bool = True
    recorded_seconds: float = 0.0


def overview_from(inputs: OverviewInputs) -> Overview:
    """Compute the overview of a run."""
    header, away = inputs.header, away_of(inputs.header)
    pace, episode_pace = inputs.pace or Throughput(), inputs.episode_pace or Throughput()
    recorded = recorded_time(pace, episode_pace, away)
    duration = max(inputs.state.duration, recorded.seconds, inputs.recorded_seconds)
    state = msgspec.structs.replace(inputs.state, duration=duration)
    is_open = state.is_open
    env_step = furthest_of(pace.furthest, *inputs.steps)
    goal, recently = header.planned_steps, pace.recent(away, is_open=is_open)
    levels = levels_of(
        inputs.recent,
        inputs.first,
        total=inputs.episodes,
        objectives=custom_objectives(header.configuration),
        series=inputs.series,
        intervals=inputs.intervals,
    )
    source = "" if inputs.series is None else inputs.series.source
    diagnosis, found, best_trial = inputs.assessment or (None, None, None)
    return Overview(
        state=state,
        episodes=inputs.episodes,
        updates=inputs.updates,
        env_step=env_step,
        goal=goal,
        target=header.goals.get("target"),
        progress=share_of(goal, env_step),
        seconds_left=seconds_left(goal, env_step, recently, is_open=is_open),
        steps_per_second=pace.overall(away),
        recent_steps_per_second=recently,
        episodes_per_minute=recorded.episodes_per_minute,
        recent_episodes_per_minute=episode_pace.recent(away, is_open=is_open),
        levels=levels,
        reward_source=source,
        course=None if found is None else _course_fact(found),
        is_study=is_study(header.configuration),
        best_trial=best_trial,
        verdict=verdict_of(
            state,
            header,
            levels=levels,
            course=found,
            best_trial=best_trial,
            diagnosis=diagnosis,
            reward_source=source,
            episodes=inputs.episodes,
            env_step=env_step,
        ),
        health=None if diagnosis is None else diagnosis.health,
        evidence="" if diagnosis is None or diagnosis.is_judged else diagnosis.evidence_text,
    )


def overview_of(run: Run, *, diagnosis: Diagnosis | None = None, clock: Clock = SYSTEM_CLOCK) -> Overview:
    """Read a run and compute its overview. Branches that a rewind left behind are ignored.

    Args:
        run: Run to read. It can be live.
        diagnosis: Diagnosis of the run, if it is known already.
        clock: Clock to use.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    columns, updates, pace = ask(run, _read, *STEPS)
    columns |= read_custom_objectives(run, columns["time"].size)
    series = None if columns["time"].size else reward_series(run)
    rewards = columns["reward"] if series is None else series.values
    assessment = assessment_of(run, diagnosis or diagnose(evidence_of(run, clock=clock)), rewards)
    return overview_of_columns(run, columns, updates, pace, series=series, assessment=assessment, clock=clock)


def overview_of_columns(
    run: Run,
    episodes: Mapping[str, Column],
    updates: int,
    pace: Throughput,
    *,
    series: RewardSeries | None,
    assessment: Assessment,
    clock: Clock = SYSTEM_CLOCK,
) -> Overview:
    """Compute the overview of a run whose columns have been read.

    Args:
        run: The run. It can be live.
        episodes: Columns of all episodes, each of shape `(n,)`: times, levels and custom objectives. Missing values are
            masked.
        updates: Number of updates.
        pace: Throughput of environment steps.
        series: Reward series of a run without episodes.
        assessment: Diagnosis and course of the reward.
        clock: Clock to use.
    """
    header, times = run.header, episodes["time"]
    state = state_of(run, header, clock=clock)
    return overview_from(
        OverviewInputs(
            header=header,
            state=state,
            episodes=times.size,
            updates=updates,
            steps=(reported_step(run, header, state, clock=clock),),
            recent=episodes,
            first=episodes,
            pace=pace,
            episode_pace=episodes_per_minute(np.ma.filled(times.astype(np.float64), np.nan)),
            series=series,
            assessment=assessment,
        )
    )


def assess(run: Run, *, clock: Clock = SYSTEM_CLOCK) -> tuple[Evidence, Assessment]:
    """Diagnose a run and compute the course of its reward, reading its records once.

    Args:
        run: Run to read. It can be live.
        clock: Clock to use.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    parts: list[Floats] = []
    evidence = evidence_of(run, clock=clock, on_rewards=parts.append)
    return evidence, assessment_of(run, diagnose(evidence), np.concatenate(parts) if parts else np.empty(0))


def assessment_of(run: Run, diagnosis: Diagnosis, rewards: Column | Floats) -> Assessment:
    """Return the assessment of a run that has been diagnosed.

    The values of a study are those of separate trials. Their order is that of the sampler, so they have no course.

    Args:
        run: The run. It can be live.
        diagnosis: Diagnosis of the run.
        rewards: Rewards of the run, shape `(n,)`.

    Raises:
        RunFormatError: A segment is damaged.
    """
    if diagnosis.is_study:
        return Assessment(diagnosis, None, best_trial_of(run))
    return Assessment(diagnosis, course_of_rewards(rewards))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # overflows are expected in the data
def course_of_rewards(rewards: Column | Floats) -> Course | None:
    """Return the course of a run's rewards. `None` if there are none."""
    reported = np.ma.asarray(rewards).compressed()
    return course(reported) if reported.size else None


def _course_fact(found: Course) -> RewardCourse:
    return RewardCourse(
        status=found.status,
        rewards=found.values,
        recent=trend_estimate_of(found.recent, "higher"),
        recent_rewards=found.recent_values,
    )


def _read(tables: duckdb.DuckDBPyConnection) -> tuple[dict[str, Column], int, Throughput]:
    wanted = ", ".join(f"{name}::DOUBLE AS {name}" for name in ("time", *LEVELS))
    found = tables.execute(f"SELECT {wanted} FROM episodes").fetchnumpy()  # noqa: S608 - our names
    columns = {name: np.ma.asarray(column) for name, column in found.items()}
    ((updates,),) = tables.execute("SELECT count(*) FROM updates").fetchall()
    return columns, updates, throughput_in(tables)
