"""What rules look at: the streams of a run as tables, and what is known beside them."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from rlvitals.diagnosis.block_table import BlockTable
from rlvitals.diagnosis.hyperparameters import Hyperparameters
from rlvitals.diagnosis.learning import Learning, learning_of
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.runs.header import ENDED
from rlvitals.runs.vitality import CRASHED
from rlvitals.stats.series.trend import Trend, trend

_OVER = ENDED | {CRASHED}
"""What the status of a run is that will not go on."""

ASSUMED_UPDATES = Threshold(100, "updates", "Taken for the budget of a run that goes on where none is known.")
ASSUMED_EPISODES = Threshold(400, "episodes", "Taken for the budget likewise; whichever is nearer.")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run beside its streams.

    Attributes:
        settings: Its hyper-parameters.
        total_timesteps: Environment steps that it is to take, if known.
        target: The return that counts as solved, if there is one.
        baseline: The return of a baseline or of a random policy, if there is one.
        status: running, completed, failed, preempted, paused, stalled or crashed.
        reason: Why it is said to be so.
        failure: The exception that ended it, as text.
        dropped: Number of dropped records: `records` are those of the run folder, the rest are sinks by name.
        failures: What cannot be written or sent at present, with the reason.
    """

    settings: Hyperparameters = Hyperparameters()
    total_timesteps: float | None = None
    target: float | None = None
    baseline: float | None = None
    status: str = "running"
    reason: str = ""
    failure: str = ""
    dropped: Mapping[str, int] = {}
    failures: Mapping[str, str] = {}


class Evidence:
    """All that rules look at. Whoever holds one must not add to its tables.

    Args:
        episodes: Columns `collecting.EPISODE_COLUMNS`; the others likewise.
        updates: Policy updates.
        evaluations: Evaluations of the agent.
        system: Samples of the machine's load.
        categories: Of each category of episodes, its `step`, `success` and `reward`.
        context: The rest.
        reward_source: What stands for the rewards in `episodes` where no episode was recorded
            (`runs.reward_series`); empty where they are of episodes.
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
    ) -> None:
        self.episodes = episodes
        self.updates = updates
        self.evaluations = evaluations
        self.system = system
        self.categories = categories
        self.context = context
        self.reward_source = reward_source
        self.recorded_updates = updates

    def understood(self) -> "Evidence":
        """Hide the inputs that mean something else in the run's algorithm family than the rules assume.

        `recorded_updates` keeps every column: a loss that is not finite is a fault whatever it measures.
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
        )
        judged.recorded_updates = self.updates
        return judged

    @property
    def settings(self) -> Hyperparameters:
        """The hyper-parameters."""
        return self.context.settings

    @cached_property
    def course(self) -> Learning | None:
        """How the returns went; `None` for fewer than twenty episodes."""
        return learning_of(self.episodes)

    @cached_property
    def reward_trend(self) -> Trend:
        """The calibrated trend of the returns over environment steps: that of the summary, on the bounded table."""
        return trend(self.episodes.mean("reward"), self.episodes.high("step"))

    @property
    def env_step(self) -> float:
        """The furthest environment step that was said; 0 before the first."""
        return max((float(t.high("step").max()) for t in (self.episodes, self.updates) if t.has("step")), default=0.0)

    @property
    def judges_success(self) -> bool:
        """Whether success is a notion of this task: it was seen, or evaluations speak of it.

        That no episode is called a success may be for want of anybody who says so.
        """
        return bool(self.episodes.total("success").sum() > 0) or self.evaluations.has("success_rate")

    @property
    def budget(self) -> float | None:
        """Environment steps of the whole training: as planned, or as taken by a run that is over; else `None`."""
        planned = self.context.total_timesteps or self.settings.total_timesteps
        return planned or (self.env_step if self.context.status in _OVER else None) or None

    @property
    def progress(self) -> float | None:
        """The share of the budget that is used, 0 to 1; `None` where the budget is not known."""
        return min(1.0, self.env_step / self.budget) if self.budget else None

    def past(self, share: float) -> bool:
        """Whether the training is beyond a share of its budget.

        Where the budget is not known, `ASSUMED_UPDATES` or `ASSUMED_EPISODES` are taken for one while the run goes on,
        and what there is once it has ended.
        """
        if self.progress is not None:
            return self.progress >= share
        if self.context.status in _OVER:
            return True
        return max(self.updates.records / ASSUMED_UPDATES, self.episodes.records / ASSUMED_EPISODES) >= share
