"""Choice of the return to record: the environment's own if it is available, otherwise another one with a note."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rlvitals.adapters.episodes import FailureLog, Reported, statistics_of
from rlvitals.adapters.raw_rewards import RawRewards
from rlvitals.adapters.returns import Return, ReturnTally
from rlvitals.adapters.reward_layers import Layers
from rlvitals.diagnosis.hyperparameters import REWARD_FACT, REWARD_MISSING
from rlvitals.errors import RecordError
from rlvitals.monitor import TrainingMonitor

TRAINING_RETURN = "training_return"
"""Key of `extra` for the sum of the rewards that the agent is trained on, if wrappers changed the rewards."""

ENVIRONMENT_RETURN = "environment_return"
"""Key of `extra` for the sum of the environment's own rewards, if `reward` is a different sum."""

UNREADABLE = "unreadable_rewards"
"""Key of `extra` for the number of steps whose reward is not a number."""

_SAME = 1e-5
"""Relative tolerance for rewards that were rounded to 32 bits."""


class Sums(NamedTuple):
    """Running reward sums of several environments.

    Attributes:
        seen: Sums of the visible rewards.
        own: Sums of the environments' own rewards, if they are captured.
        heard: Number of steps with a captured reward in each running episode.
        messages: Messages that were reported, each once.
    """

    seen: ReturnTally
    own: ReturnTally | None
    heard: list[int]
    messages: set[str]


class RecordedReturns:
    """Sums the visible rewards and, if wrappers change them, the environment's own rewards.

    Args:
        monitor: Monitor that receives one event about the composition of the return.
        environments: Number of environments.
        layers: Effect of the wrappers on rewards.
        raw: Source of the environment's own rewards. `None` if only the visible rewards are available.
        failures: Log for rewards that cannot be read.
        before: Previous sums of the same environments, whose running episodes continue.

    Attributes:
        sums: Current sums.
        add: Function that adds the rewards of one step of every environment as a list of floats. The list is kept.
        begin: Function to call before the environment's `step`, or `None`.
    """

    def __init__(
        self,
        monitor: TrainingMonitor,
        environments: int,
        layers: Layers,
        raw: RawRewards | None,
        failures: FailureLog,
        before: Sums | None = None,
    ) -> None:
        self._monitor = monitor
        self._layers = layers
        self._raw = raw
        self._failures = failures
        self._is_changed = False
        if before is None or (before.own is None) != (raw is None):
            own = None if raw is None else ReturnTally(environments)
            before = Sums(ReturnTally(environments), own, [0] * environments, set())
        self.sums = before
        self._seen, self._own, self._heard, self._messages = before
        # Called at every step, so an extra level of calls is avoided.
        self.add: Callable[[list[float]], None] = self._seen.steps.add if self._own is None else self._add_both
        self.begin: Callable[[], None] | None = None if raw is None else raw.clear
        if raw is None and layers.hide_returns:
            self._tell_hidden()

    @property
    def environments(self) -> int:
        """Number of environments."""
        return len(self._heard)

    @property
    def total(self) -> float:
        """Sum of all rewards until now, over all environments. The environment's own rewards if they are captured."""
        return (self._seen if self._own is None else self._own).steps.total

    def _add_both(self, rewards: list[float]) -> None:
        self._seen.add(rewards)
        self._add_own(rewards)

    def add_any(self, rewards: Sequence[Any]) -> None:
        """Add the rewards of one step of every environment, of any type."""
        totals = self._seen.add_any(rewards)
        if self._own is not None:
            self._add_own(totals)

    def restart(self, index: int) -> None:
        """Restart the episode of an environment at its next step. The current episode is not recorded."""
        self._seen.restart(index)
        if self._own is not None:
            self._own.restart(index)
            self._heard[index] = 0

    def ending(self, index: int, info: Any) -> Reported:
        """End the episode of an environment.

        Args:
            index: Index of the environment.
            info: Last `info` of the episode.

        Returns:
            The totals of the episode.
        """
        seen = self._seen.ending(index)
        own = None if self._own is None else self._own.ending(index)
        if own is not None and not self._heard[index] and seen.length:
            own = None
            if self._layers.hide_returns:
                self._tell_hidden()
        self._heard[index] = 0
        settled = _plain(seen, self._layers) if own is None else self._chosen(seen, own, info)
        made_of = seen if own is None or not own.parts else own
        if made_of.unreadable:
            settled.extra[UNREADABLE] = made_of.unreadable
        if made_of.parts or made_of.unreadable:
            self._tell_parts(settled, made_of)
        return settled

    def remove(self) -> None:
        """Stop capturing rewards."""
        if self._raw is not None:
            self._raw.remove()

    def _add_own(self, seen: Sequence[float]) -> None:
        assert self._raw is not None
        assert self._own is not None
        rows = self._raw.rows()
        for index, row in enumerate(rows):
            if row is None:
                rows[index] = 0.0
            else:
                self._heard[index] += 1
        own = self._own.add_any(rows)
        if not self._is_changed:
            self._is_changed = any(
                abs(one - other) > _SAME * abs(other)
                for index, (one, other) in enumerate(zip(seen, own, strict=True))
                if self._heard[index]
            )

    def _chosen(self, seen: Return, own: Return, info: Any) -> Reported:
        """Return the visible sum or the environment's own sum, whichever is the return."""
        names = self._layers.names
        if own.parts and not seen.parts and not seen.unreadable:
            self._say(f"made by {names}", f"Rewards have several components, which {names} combines into one number.")
            return Reported(*seen[:3], statistics_count=True, parts=own.parts, extra={})
        if not self._is_changed:
            return Reported(*own[:3], statistics_count=True, parts=own.parts, extra={})
        believed = self._layers.statistics_are_raw
        recorded = _recorded_return(info) if believed else None
        if recorded is not None and not math.isclose(recorded, own.reward, rel_tol=1e-4, abs_tol=1e-5):
            # A custom wrapper below the wrapper that records returns: its reward is the reward of the task.
            custom = ", ".join(self._layers.custom)
            self._say(
                f"recorded above {custom}",
                f"{custom} changes rewards below the wrapper that records returns. The reward of an episode is the "
                f"return from that wrapper, and the environment's own return is in extra['{ENVIRONMENT_RETURN}'].",
            )
            return Reported(*seen[:3], statistics_count=True, parts={}, extra={ENVIRONMENT_RETURN: own.reward})
        self._say(
            f"the environment's own, below {names}",
            f"{names} changes rewards. The reward of an episode is the sum of the environment's own rewards, and the "
            f"sum that the agent is trained on is in extra['{TRAINING_RETURN}'].",
        )
        return Reported(*own[:3], statistics_count=believed, parts=own.parts, extra={TRAINING_RETURN: seen.reward})

    def _tell_hidden(self) -> None:
        names = self._layers.names
        self._say(
            f"{REWARD_MISSING}: only rewards that {names} changed can be seen",
            f"Only rewards changed by {names} are visible. Episodes are recorded without a return (NaN), and the sum "
            f"of these rewards is in extra['{TRAINING_RETURN}']. Put Monitor or RecordEpisodeStatistics directly "
            "around the environment, below that wrapper.",
            severity="warning",
        )

    def _tell_parts(self, settled: Reported, made_of: Return) -> None:
        if math.isnan(settled.reward) and made_of.unreadable >= made_of.length:
            self._say(
                f"{REWARD_MISSING}: rewards are not numbers",
                "The environment returns no numeric reward. Episodes are recorded without a return (NaN). Return "
                "a number from step.",
                severity="warning",
            )
        elif made_of.unreadable:
            self._say(
                None,
                "Some rewards are not numbers. They are excluded from the returns and counted in "
                f"extra['{UNREADABLE}']. Return a number from every step.",
                severity="warning",
            )
        elif settled.reward == made_of.reward:
            names = ", ".join(list(made_of.parts)[:8])
            self._say(
                f"sum of {len(made_of.parts)} components",
                f"Rewards have {len(made_of.parts)} components ({names}). The reward of an episode is their sum, and "
                "reward_parts holds the sum of each.",
            )

    def _say(self, fact: str | None, message: str, *, severity: str = "info") -> None:
        if message in self._messages:
            return
        self._messages.add(message)
        self._failures.tell(message, severity=severity)
        if fact is not None:
            with self._failures.caught("the run's configuration could not be updated"):
                self._monitor.update_configuration({REWARD_FACT: fact})


def _recorded_return(info: Any) -> float | None:
    try:
        found: float | None = statistics_of(info).get("reward")
    except RecordError:  # reported by the code that records the episode
        return None
    return found


def _plain(seen: Return, layers: Layers) -> Reported:
    if layers.hide_returns:
        extra = {TRAINING_RETURN: seen.reward}
        return Reported(math.nan, seen.length, seen.duration, statistics_count=False, parts={}, extra=extra)
    return Reported(*seen[:3], statistics_count=layers.statistics_are_raw, parts=seen.parts, extra={})
