"""Milestones: achievements of a training run, each reported once.

Milestones are repeated tests of a noisy series. Each criterion is therefore stricter than that of a single test.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.formatting import number
from rlvitals.monitor.mastery import BaselineResults, CategoryOutcomes
from rlvitals.monitor.reward_history import RewardHistory
from rlvitals.records import Episode, Evaluation, Event, Record
from rlvitals.stats.series.convergence import convergence
from rlvitals.stats.series.course import MOST_RECENT, is_moving, recent_length
from rlvitals.stats.series.intervals import mean_interval
from rlvitals.stats.series.student_t import normal_quantile
from rlvitals.stats.series.trend import trend

KIND = "milestone"
FIRST_SUCCESS = "first-success"
NEW_BEST = "new-best"
TARGET_REACHED = "target-reached"
CATEGORY_MASTERED = "category-mastered"
CONVERGED = "converged"
CODES = (FIRST_SUCCESS, NEW_BEST, TARGET_REACHED, CATEGORY_MASTERED, CONVERGED)

_WINDOW = 100
_MOST_CATEGORIES = 200
_CHECK_EVERY = 10
_BEST_ERRORS = 5.0
_BEST_GROWTH = 0.2
_FEWEST_FOR_REST = 200
_REST_GROWTH = 1.1
_NORMAL_95 = normal_quantile(0.975)


class Milestones:
    """Detector of milestones in the episodes of a training run. Not thread-safe.

    - `first-success`: the first successful episode.
    - `new-best`: the mean reward of a window of episodes exceeds the best mean until now by five standard errors of the
      difference (for autocorrelated means, see `stats.series.intervals`), and by a fifth of the total gain before.
      Windows do not overlap. The first window is the baseline.
    - `target-reached`: the mean reward of the last window has been at or above the target for the length of a window.
    - `category-mastered`: the 99 % confidence interval of the success rate in a category (Wilson interval for
      autocorrelated outcomes) over its last 200 episodes is above `mastery`. If the episodes report no success, the
      interval of the final quality is above `mastery_quality`. If the run evaluated baselines before, the interval is
      also above theirs.
    - `converged`: `stats.series.convergence` finds that the rewards have converged, and finds it again with 10 % more
      rewards.

    Memory is bounded: a window of rewards, 200 outcomes for each of the first 200 categories, and at most 959 means of
    the rewards of the whole training. Scaling or shifting the rewards does not change the milestones. Non-finite
    rewards are ignored.

    Args:
        target: Reward at which the task counts as solved, or `None`. It can be set later.
        window: Number of episodes in a window, at least 10.
        mastery: Success rate above which a category is mastered, from 0 to below 1.
        mastery_quality: Final quality above which a category without reported success is mastered. `None` turns this
            milestone off.

    Raises:
        ValueError: `window` or `mastery` is out of range.
    """

    def __init__(
        self,
        *,
        target: float | None = None,
        window: int = _WINDOW,
        mastery: float = 0.8,
        mastery_quality: float | None = None,
    ) -> None:
        if window < _CHECK_EVERY:
            raise ValueError(f"window={window}: must be at least {_CHECK_EVERY} episodes")
        if not 0.0 <= mastery < 1.0:
            raise ValueError(f"mastery={mastery}: must be a success rate from 0 to below 1")
        self.target = target
        self._window = window
        self._mastery = mastery
        self._mastery_quality = mastery_quality
        self._said: set[tuple[str, str]] = set()
        self._rewards: deque[float] = deque(maxlen=window)
        self._in_window = 0
        self._baseline: float | None = None
        self._best: _Level | None = None
        self._at_target_since: int | None = None
        self._at_target = 0
        self._categories: dict[str, CategoryOutcomes] = {}
        self._baselines = BaselineResults()
        self._history = RewardHistory(np.empty(0), np.empty(0))
        self._recent: deque[float] = deque(maxlen=MOST_RECENT)
        self._rest_at = float(_FEWEST_FOR_REST)
        self._was_at_rest = False

    def resume(
        self,
        events: Iterable[Event],
        rewards: NDArray[np.float64],
        places: NDArray[np.float64],
        outcomes: Iterable[Episode] = (),
        evaluations: Iterable[Evaluation] = (),
    ) -> list[Event]:
        """Restore the state from a recorded run, so that its milestones are not reported again.

        Call it before the first `observe`.

        Args:
            events: Events of the run. Events other than milestones are ignored.
            rewards: Episode rewards, shape `(n,)`.
            places: Episode numbers of the rewards, shape `(n,)`.
            outcomes: Episodes in order, with success, category and final quality: the first success and the last
                episodes.
            evaluations: Evaluations of the agent and of baselines.

        Returns:
            Milestones for the first success and mastered categories that have no event yet.
        """
        self._history = RewardHistory(rewards, places)
        finite = rewards[np.isfinite(rewards)]
        self._recent.extend(finite[-MOST_RECENT:].tolist())
        if finite.size >= self._window:
            self._best = _level(finite[: self._window])
            self._baseline = self._best.mean
        for event in events:
            if event.kind == KIND and event.code is not None:
                data = event.data or {}
                self._said.add((event.code, str(data.get("category", ""))))
                if event.code == NEW_BEST and all(isinstance(data.get(name), int | float) for name in _LEVEL):
                    self._best = _Level(float(data["mean"]), float(data["error"]))
                    self._baseline = float(data["baseline"])
        for evaluation in evaluations:
            self._baselines.add(evaluation)
        return [event for episode in outcomes for event in self._outcomes(episode)]

    def observe(self, record: Record) -> list[Event]:
        """Process the next record of the run.

        Args:
            record: Record of any kind. Only episodes, evaluations and rewind events have an effect.

        Returns:
            Events of the milestones that were reached; usually empty.
        """
        if isinstance(record, Event) and record.kind == "rewind":
            self._forget_window()
        if isinstance(record, Evaluation):
            self._baselines.add(record)
        if not isinstance(record, Episode):
            return []
        found = self._outcomes(record)
        if math.isfinite(record.reward):
            self._rewards.append(record.reward)
            self._history.add(record.reward, record.episode)
            self._recent.append(record.reward)
            rewarded = (self._new_best(record), self._target_reached(record), self._converged(record))
            found += [event for event in rewarded if event is not None]
        return found

    def _outcomes(self, episode: Episode) -> list[Event]:
        found = (self._first_success(episode), self._category_mastered(episode))
        return [event for event in found if event is not None]

    def _first_success(self, episode: Episode) -> Event | None:
        if not episode.success or not self._is_news(FIRST_SUCCESS):
            return None
        return _event(episode, FIRST_SUCCESS, f"Episode {episode.episode} is the first success.")

    def _new_best(self, episode: Episode) -> Event | None:
        self._in_window += 1
        if self._in_window < self._window:
            return None
        self._in_window = 0
        level = _level(self._rewards)
        if self._best is None or self._baseline is None:
            self._best, self._baseline = level, level.mean
            return None
        gain = level.mean - self._best.mean
        noise = _BEST_ERRORS * math.hypot(level.error, self._best.error)
        if not gain > max(noise, _BEST_GROWTH * (self._best.mean - self._baseline)):
            return None
        data = {
            "mean": level.mean,
            "error": level.error,
            "before": self._best.mean,
            "baseline": self._baseline,
            "window": self._window,
        }
        means = f"{number(level.mean)} (previous best: {number(self._best.mean)})"
        message = f"New best mean reward over {self._window} episodes: {means}."
        self._best = level
        return _event(episode, NEW_BEST, message, data)

    def _target_reached(self, episode: Episode) -> Event | None:
        if self.target is None or (TARGET_REACHED, "") in self._said or len(self._rewards) < self._window:
            return None
        mean = sum(self._rewards) / len(self._rewards)
        if not mean >= self.target:
            self._at_target, self._at_target_since = 0, None
            return None
        self._at_target += 1
        if self._at_target_since is None:
            self._at_target_since = episode.episode
        if self._at_target <= self._window or not self._is_news(TARGET_REACHED):
            return None
        data = {"target": self.target, "mean": mean, "window": self._window, "since_episode": self._at_target_since}
        message = (
            f"The mean reward over {self._window} episodes reached the target of {number(self.target)}"
            f" at episode {self._at_target_since} and has not fallen below it since."
        )
        return _event(episode, TARGET_REACHED, message, data)

    def _category_mastered(self, episode: Episode) -> Event | None:
        name = episode.category
        if name is None or (CATEGORY_MASTERED, name) in self._said:
            return None
        known = self._categories.get(name)
        if known is None:
            if len(self._categories) >= _MOST_CATEGORIES:
                return None
            known = self._categories[name] = CategoryOutcomes()
        known.add(episode)
        if known.count % _CHECK_EVERY:
            return None
        found = known.mastered(name, self._baselines, mastery=self._mastery, mastery_quality=self._mastery_quality)
        if found is None:
            return None
        self._is_news(CATEGORY_MASTERED, name)
        del self._categories[name]
        rate = f"{found['measure']} {number(found['estimate'], 3)} (lower 99 % limit {number(found['low'], 3)})"
        message = f"The category {name} is mastered: {rate} over its last {found['episodes']} episodes."
        return _event(episode, CATEGORY_MASTERED, message, {"category": name, **found})

    def _converged(self, episode: Episode) -> Event | None:
        if self._history.taken < self._rest_at or (CONVERGED, "") in self._said:
            return None
        self._rest_at = self._history.taken * _REST_GROWTH
        found = convergence(*self._history.series())
        # The group means of a long run are too coarse for its recent trend (see `course`), so recent rewards are used.
        recent = trend(list(self._recent)[-recent_length(self._history.taken) :])
        has_converged = found.converged and not is_moving(recent)
        twice, self._was_at_rest = self._was_at_rest and has_converged, has_converged
        if not twice or not self._is_news(CONVERGED):
            return None
        since, level = int(found.since), found.level
        data = {
            "since_episode": since,
            "level": level.estimate,
            "low": level.low,
            "high": level.high,
            "gain": found.gain,
        }
        at = f"{number(level.estimate)} at about episode {since}"
        message = f"The reward converged to {at} (detected at episode {episode.episode})."
        return _event(episode, CONVERGED, message, data)

    def _is_news(self, code: str, category: str = "") -> bool:
        """Return whether a milestone has not been reported yet, and mark it as reported."""
        fresh = (code, category) not in self._said
        self._said.add((code, category))
        return fresh

    def _forget_window(self) -> None:
        """Clear the window, so that it never has episodes of two branches."""
        self._rewards.clear()
        self._recent.clear()
        self._in_window = self._at_target = 0
        self._at_target_since = None


class _Level(NamedTuple):
    """Mean reward of a window, and its standard error."""

    mean: float
    error: float


_LEVEL = ("mean", "error", "baseline")


def _level(rewards: Iterable[float]) -> _Level:
    """Return the mean of a window of finite rewards, and its standard error."""
    sample = np.array(list(rewards))
    found = mean_interval(sample)
    if found.enough:
        return _Level(found.estimate, 0.5 * (found.high - found.low) / _NORMAL_95)
    # A steadily rising window has few independent values. Use the effective sample size, which is at least 1.
    effective = max(1.0, found.effective) if math.isfinite(found.effective) else 1.0
    return _Level(found.estimate, float(sample.std()) / math.sqrt(effective))


def _event(episode: Episode, code: str, message: str, data: dict[str, Any] | None = None) -> Event:
    return Event(
        time=episode.time,
        kind=KIND,
        message=message,
        severity="info",
        code=code,
        env_step=episode.env_step,
        episode=episode.episode,
        data=data,
    )
