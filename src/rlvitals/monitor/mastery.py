"""Mastery of categories: success rates that exceed a level and every baseline."""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from rlvitals.diagnosis.baseline_comparisons import attempts_of
from rlvitals.records import Episode, Evaluation
from rlvitals.stats.series.intervals import mean_interval, rate_interval, wilson_interval
from rlvitals.stats.series.student_t import normal_quantile

CONFIDENCE = 0.99
"""Confidence of the intervals. A rate is tested repeatedly, and a policy exactly at the level must rarely pass."""
_CATEGORY_WINDOW = 200
_FEWEST_OUTCOMES = 20
_MOST_POLICIES = 64
_SUCCESS = ("success_rate", "success")
"""Names of the success rate in the metrics of a category."""


class BaselineResults:
    """Last evaluation of each baseline: the success rate and quality that a mastered category has to exceed."""

    def __init__(self) -> None:
        self._last: dict[str, Evaluation] = {}
        self._attempts = 1

    def add(self, evaluation: Evaluation) -> None:
        """Add an evaluation of the agent or of a baseline."""
        if evaluation.policy is None:
            self._attempts = attempts_of(evaluation)
        elif evaluation.policy in self._last or len(self._last) < _MOST_POLICIES:
            self._last[evaluation.policy] = evaluation

    def success(self, category: str) -> float:
        """Return the highest upper limit of the baselines' success rates, 0 to 1; minus infinity without a baseline.

        A baseline without a rate for the category counts with its overall rate. A baseline with more attempts per item
        than the agent does not count.
        """
        return max((_upper_rate(one, category) for one in self._comparable()), default=-math.inf)

    def quality(self, category: str) -> float:
        """Return the highest upper limit of the baselines' mean qualities; minus infinity without a baseline."""
        return max((_upper_quality(one, category) for one in self._comparable()), default=-math.inf)

    def _comparable(self) -> Iterator[Evaluation]:
        return (one for one in self._last.values() if attempts_of(one) <= self._attempts)


class CategoryOutcomes:
    """Last outcomes of one category."""

    def __init__(self) -> None:
        self.count = 0
        self._successes: deque[bool] = deque(maxlen=_CATEGORY_WINDOW)
        self._qualities: deque[float] = deque(maxlen=_CATEGORY_WINDOW)

    def add(self, episode: Episode) -> None:
        """Add an episode of the category."""
        self.count += 1
        if episode.success is not None:
            self._successes.append(episode.success)
        elif episode.quality_final is not None:
            self._qualities.append(episode.quality_final)

    def mastered(
        self, category: str, baselines: BaselineResults, *, mastery: float, mastery_quality: float | None
    ) -> dict[str, Any] | None:
        """Return the measure and interval that show mastery, or `None` if the category is not mastered.

        Args:
            category: Name of the category.
            baselines: Results of the baselines, which the interval must exceed.
            mastery: Success rate that the interval must exceed.
            mastery_quality: Final quality that the interval must exceed if no success is reported; `None` for never.
        """
        trials = len(self._successes)
        if trials >= _FEWEST_OUTCOMES:
            level, measure = max(mastery, baselines.success(category)), "success rate"
            # Test the interval for independent outcomes first: it is narrower, and inexpensive to compute.
            if wilson_interval(sum(self._successes), trials, confidence=CONFIDENCE).low <= level:
                return None
            found = rate_interval(list(self._successes), confidence=CONFIDENCE)
        elif mastery_quality is not None and len(self._qualities) >= _FEWEST_OUTCOMES:
            level, measure = max(mastery_quality, baselines.quality(category)), "quality"
            found = mean_interval(self._qualities, confidence=CONFIDENCE)
        else:
            return None
        if not found.low > level:
            return None
        return {
            "measure": measure,
            "estimate": found.estimate,
            "low": found.low,
            "level": level,
            "episodes": found.used,
        }


def _upper_rate(evaluation: Evaluation, category: str) -> float:
    """Return the upper limit of a success rate: Wilson's if the number of episodes is known."""
    own = _numbers(evaluation, category)
    rate = next((own[name] for name in _SUCCESS if name in own), evaluation.success_rate)
    if rate is None or not math.isfinite(rate):
        return -math.inf
    episodes = int(own.get("episodes", 0)) if own else evaluation.episodes or 0
    if not episodes:
        return rate
    return wilson_interval(round(min(1.0, max(0.0, rate)) * episodes), episodes, confidence=CONFIDENCE).high


def _upper_quality(evaluation: Evaluation, category: str) -> float:
    """Return the upper limit of a mean quality: that of a normal distribution if its standard deviation is known."""
    own = _numbers(evaluation, category)
    if "quality" in own:
        return own["quality"] if math.isfinite(own["quality"]) else -math.inf
    if evaluation.quality is None or not math.isfinite(evaluation.quality):
        return -math.inf
    error = (evaluation.quality_std or 0.0) / math.sqrt(evaluation.episodes or 1)
    return evaluation.quality + (normal_quantile(0.5 + 0.5 * CONFIDENCE) * error if math.isfinite(error) else 0.0)


def _numbers(evaluation: Evaluation, category: str) -> dict[str, float]:
    said = (evaluation.categories or {}).get(category)
    pairs = said.items() if isinstance(said, Mapping) else ()
    return {name: float(value) for name, value in pairs if isinstance(value, int | float)}
