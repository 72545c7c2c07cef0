"""The evidence that rules evaluate: the streams of a run as tables, and its context."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from rlvitals.diagnosis.attempt_samples import AttemptSamples
from rlvitals.diagnosis.baseline_comparisons import BaselineComparison, BaselineEvaluations
from rlvitals.diagnosis.block_table import BlockTable
from rlvitals.diagnosis.hyperparameters import Hyperparameters
from rlvitals.diagnosis.learning import Learning, learning_of
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.records.objectives import Direction
from rlvitals.runs.header import ENDED
from rlvitals.runs.vitality import CRASHED
from rlvitals.stats.series.trend import Trend, trend

_OVER = ENDED | {CRASHED}
"""Statuses of a run that will not continue."""

ASSUMED_UPDATES = Threshold(100, "updates", "Assumed budget of a live run with an unknown budget.")
ASSUMED_EPISODES = Threshold(
    400, "episodes", "Assumed budget of a live run with an unknown budget. The nearer of the two limits applies."
)


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a run other than its streams.

    Attributes:
        settings: Hyperparameters.
        total_timesteps: Planned number of environment steps, if known.
        target: Return that counts as solved, if configured.
        baseline: Return of a baseline or random policy, if configured.
        lower_is_better: Metrics of evaluated items for which lower is better.
        status: running, completed, failed, preempted, paused, stalled or crashed.
        reason: Reason for the status.
        failure: Exception that ended the run, as text.
        dropped: Number of dropped records. The key `records` counts those of the run folder; other keys are sink names.
        failures: Streams and sinks that currently cannot be written, with the reason.
        parameter_bounds: Lowest and highest value of each parameter, if configured.
        directions: Better direction of each objective that the configuration declares.
    """

    settings: Hyperparameters = Hyperparameters()
    total_timesteps: float | None = None
    target: float | None = None
    baseline: float | None = None
    lower_is_better: tuple[str, ...] = ()
    status: str = "running"
    reason: str = ""
    failure: str = ""
    dropped: Mapping[str, int] = {}
    failures: Mapping[str, str] = {}
    parameter_bounds: Mapping[str, tuple[float, float]] = {}
    directions: Mapping[str, Direction] = {}


class Evidence:
    """The input of the rules. Do not add to the tables of an instance.

    Args:
        episodes: Table with the columns `evidence_builder.EPISODE_COLUMNS`; the other tables have corresponding
            columns.
        updates: Policy updates.
        evaluations: Evaluations of the agent.
        system: Samples of the system load.
        categories: Table of each category of episodes, with the columns `step`, `success` and `reward`.
        context: Facts about the run other than its streams.
        reward_source: Name of the series that replaces the rewards in `episodes` if no episode was recorded
            (`runs.reward_series`); empty if the rewards are those of episodes.
        attempts: Samples of the parameters that the run tried.
        evaluated: Last evaluations of the agent and of baselines, by item.
    """

    def __init__(
        self,
        episodes: BlockTable,
        updates: BlockTable,
        evaluations: BlockTable,
        system: BlockTable,
        categories: Mapping[str, BlockTable],
        context: Context,
        *,
        reward_source: str = "",
        attempts: AttemptSamples | None = None,
        evaluated: BaselineEvaluations | None = None,
    ) -> None:
        self.episodes = episodes
        self.updates = updates
        self.evaluations = evaluations
        self.system = system
        self.categories = categories
        self.context = context
        self.reward_source = reward_source
        self.attempts = attempts or AttemptSamples()
        self.evaluated = evaluated or BaselineEvaluations()
        self.recorded_updates = updates

    def understood(self) -> "Evidence":
        """Return a copy without the inputs that have another meaning in the run's algorithm family.

        `recorded_updates` keeps every column, because a non-finite loss is a fault whatever it measures.
        """
        family = self.settings.of_family
        columns = [name for name in self.updates.names if not family.takes(f"updates.{name}")]
        settings = {
            name: default
            for name, default in zip(
                Hyperparameters.__struct_fields__, Hyperparameters.__struct_defaults__, strict=True
            )
            if not family.takes(f"settings.{name}")
        }
        if not columns and not settings:
            return self
        known = msgspec.structs.replace(self.context, settings=msgspec.structs.replace(self.settings, **settings))
        judged = Evidence(
            self.episodes,
            self.updates.without(columns) if columns else self.updates,
            self.evaluations,
            self.system,
            self.categories,
            known,
            reward_source=self.reward_source,
            attempts=self.attempts,
            evaluated=self.evaluated,
        )
        judged.recorded_updates = self.updates
        return judged

    @property
    def settings(self) -> Hyperparameters:
        """The hyperparameters."""
        return self.context.settings

    @cached_property
    def baselines(self) -> tuple[BaselineComparison, ...]:
        """The comparisons of the last evaluation of the agent with the baselines; empty without such evaluations."""
        return self.evaluated.comparisons(self.context.lower_is_better)

    @cached_property
    def course(self) -> Learning | None:
        """The development of the returns; `None` for fewer than twenty episodes."""
        return learning_of(self.episodes)

    @cached_property
    def reward_trend(self) -> Trend:
        """The calibrated trend of the returns over environment steps, as in the summary but on the bounded table."""
        return trend(self.episodes.mean("reward"), self.episodes.high("step"))

    @property
    def env_step(self) -> float:
        """The highest environment step that was reported; 0 before the first."""
        return max((float(t.high("step").max()) for t in (self.episodes, self.updates) if t.has("step")), default=0.0)

    @property
    def judges_success(self) -> bool:
        """Whether success is defined for this task: an episode succeeded, or evaluations report a success rate.

        Without any success, it is possible that the environment does not report success.
        """
        return bool(self.episodes.total("success").sum() > 0) or self.evaluations.has("success_rate")

    @property
    def budget(self) -> float | None:
        """Environment steps of the whole training: planned, or taken by a run that is over; otherwise `None`."""
        taken = self.env_step if self.context.status in _OVER else None
        return self.context.total_timesteps or taken or None

    @property
    def progress(self) -> float | None:
        """The used share of the budget, 0 to 1; `None` if the budget is unknown."""
        return min(1.0, self.env_step / self.budget) if self.budget else None

    def past(self, share: float) -> bool:
        """Return whether the training has passed a share of its budget.

        If the budget is unknown, a live run has `ASSUMED_UPDATES` or `ASSUMED_EPISODES` as its budget, and a finished
        run has used all of it.
        """
        if self.progress is not None:
            return self.progress >= share
        if self.context.status in _OVER:
            return True
        return max(self.updates.records / ASSUMED_UPDATES, self.episodes.records / ASSUMED_EPISODES) >= share
