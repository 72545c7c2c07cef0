"""The development of the returns: start, best and recent levels, in units of their noise."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.thresholds import Threshold

FEWEST_EPISODES = Threshold(10, "episodes", "Minimum number of episodes in a window.")
FEWEST_REWARDS = Threshold(
    20, "rewards", "Number of finite rewards below which the development of the returns is not assessed."
)
WINDOW_SHARE = Threshold(0.05, "%", "Share of the steps so far that a window of episodes covers.")
START_SHARE = Threshold(0.05, "%", "Share of the episodes that form the start.")
MOST_START = Threshold(50, "episodes", "Maximum number of episodes in the start.")
OPENING_SHARE = Threshold(0.1, "%", "Share of the steps so far that forms the opening.")
LATE_SHARE = Threshold(0.25, "%", "Share of the steps so far that forms the late stretch.")


class ReturnLevel(NamedTuple):
    """Consecutive episodes: mean return, its standard error, number of episodes, and step at which they end."""

    mean: float
    error: float
    episodes: float
    step: float

    @property
    def deviation(self) -> float:
        """Standard deviation of the single returns."""
        return self.error * math.sqrt(self.episodes)


class ReturnWindows(NamedTuple):
    """All windows of consecutive episodes. A window covers a twentieth of the steps so far, and at least ten episodes.

    Attributes:
        middle: Mean of all returns. `means` are relative to it, to avoid cancellation of large squares.
        means: Mean return of the window that ends in each row of the table, minus `middle`.
        variances: Variance of the single returns in each window.
        numbers: Number of returns in each window.
        steps: Environment step at which each window ends.
        whole: Rows whose window has ten episodes or more.
    """

    middle: float
    means: Floats
    variances: Floats
    numbers: Floats
    steps: Floats
    whole: NDArray[np.int64]

    def level(self, row: int) -> ReturnLevel:
        """Return the level of the window that ends in a row."""
        error = math.sqrt(self.variances[row] / self.numbers[row])
        return ReturnLevel(
            float(self.means[row]) + self.middle, error, float(self.numbers[row]), float(self.steps[row])
        )


class Learning(NamedTuple):
    """The development of the returns.

    Attributes:
        start: First episodes.
        recent: Last episodes.
        best: Best window of episodes.
        worst: Worst window of episodes.
        spread: Standard deviation of single returns within a window, as the median over the run. Measured on the
            corpus: the noise of `stats.series.trend`, around one curve through the whole run, takes a late collapse for
            noise. With it, 108 of 111 faults were named first instead of 110.
        opening: First tenth of the steps.
        late: Last quarter of the steps.
        trough: Worst window after the best; the best one itself if it is the last.
        regained: Best window after the trough; the trough itself if it is the last.
    """

    start: ReturnLevel
    recent: ReturnLevel
    best: ReturnLevel
    worst: ReturnLevel
    spread: float
    opening: ReturnLevel
    late: ReturnLevel
    trough: ReturnLevel
    regained: ReturnLevel

    @property
    def gain(self) -> float:
        """Gain of the last episodes over the first, in standard deviations of single returns."""
        return _ratio(self.recent.mean - self.start.mean, self.spread)

    @property
    def best_gain(self) -> float:
        """Gain of the best window over the first episodes, in standard deviations of single returns."""
        return _ratio(self.best.mean - self.start.mean, self.spread)

    @property
    def significance(self) -> float:
        """Difference between the last and the first episodes, in standard errors."""
        return _ratio(self.recent.mean - self.start.mean, math.hypot(self.recent.error, self.start.error))

    @property
    def rise(self) -> float:
        """Gain of the last quarter over the first tenth, in standard deviations of single returns."""
        return _ratio(self.late.mean - self.opening.mean, self.spread)

    @property
    def lost(self) -> float:
        """Lost share of the gain: 0 at the best level, 1 back at the start, above 1 below the start."""
        return self.lost_at(self.recent)

    def lost_at(self, level: ReturnLevel) -> float:
        """Return the lost share of the gain at another time after the best level."""
        return max(0.0, _ratio(self.best.mean - level.mean, self.best.mean - self.start.mean))


def windows_of(episodes: BlockTable) -> ReturnWindows | None:
    """Return the windows of episodes.

    Args:
        episodes: Table with the columns `reward`, `reward_squared` and `step`.

    Returns:
        Windows; `None` for fewer than twice ten finite returns.
    """
    count, total, squared = (episodes.said("reward"), episodes.total("reward"), episodes.total("reward_squared"))
    number = float(count.sum())
    if number < FEWEST_REWARDS:
        return None
    steps = episodes.high("step")
    # With cumulative sums, every window is a difference.
    middle = float(total.sum() / number)
    n, s = np.cumsum(count), np.cumsum(total - middle * count)
    q = np.cumsum(squared - 2.0 * middle * total + middle * middle * count)
    by_step = np.searchsorted(steps, steps - WINDOW_SHARE * (steps[-1] - steps[0]), side="right")
    by_count = np.searchsorted(n, n - FEWEST_EPISODES, side="right")
    first = np.minimum(by_step, by_count)  # first row of each window
    wn, ws, wq = (sums - np.where(first > 0, sums[first - 1], 0.0) for sums in (n, s, q))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = ws / wn
        variances = np.maximum(wq / wn - means**2, 0.0) * wn / np.maximum(wn - 1.0, 1.0)
    whole = np.flatnonzero((n >= FEWEST_EPISODES) & np.isfinite(means))
    return ReturnWindows(middle, means, variances, wn, steps, whole) if whole.size else None


def learning_of(episodes: BlockTable) -> Learning | None:
    """Return the development of the returns.

    Windows are those of `windows_of`, and non-finite returns are ignored. Shifting the returns shifts the levels.
    Scaling the returns scales levels and spread.

    Args:
        episodes: Table with the columns `reward`, `reward_squared` and `step`.

    Returns:
        Development of the returns; `None` for fewer than twice ten finite returns.
    """
    windows = windows_of(episodes)
    if windows is None:
        return None
    middle, means, variances, _, steps, whole = windows
    count, total, squared = (episodes.said("reward"), episodes.total("reward"), episodes.total("reward_squared"))
    number, n = float(count.sum()), np.cumsum(count)
    opening = int(np.searchsorted(n, min(MOST_START, max(FEWEST_EPISODES, START_SHARE * number))))
    start = windows.level(max(int(whole[0]), min(opening, int(whole[-1]))))
    spread = float(np.sqrt(np.median(variances[whole])))
    best, worst = int(whole[means[whole].argmax()]), int(whole[means[whole].argmin()])
    behind = whole[whole >= best]
    trough = int(behind[means[behind].argmin()])
    since = whole[whole >= trough]
    regained = int(since[means[since].argmax()])

    def stretch(rows: NDArray[np.bool_]) -> ReturnLevel:
        number = float(count[rows].sum())
        mean = float((total - middle * count)[rows].sum()) / max(1.0, number)
        square = float((squared - 2.0 * middle * total + middle * middle * count)[rows].sum()) / max(1.0, number)
        error = math.sqrt(max(square - mean * mean, 0.0) / max(1.0, number - 1.0))
        return ReturnLevel(mean + middle, error, number, float(steps[rows][-1]))

    opened = (steps <= OPENING_SHARE * steps[-1]) | (n <= FEWEST_EPISODES)
    lately = (steps > (1.0 - LATE_SHARE) * steps[-1]) | (number - n < FEWEST_EPISODES)
    opened[0] = lately[-1] = True  # a single block can be longer than the opening or the late stretch
    level = windows.level
    recent, ends = level(int(whole[-1])), (stretch(opened), stretch(lately))
    return Learning(start, recent, level(best), level(worst), spread, *ends, level(trough), level(regained))


def window_means(episodes: BlockTable, parts: int) -> tuple[Floats, Floats]:
    """Return the mean returns of equal stretches of environment steps.

    Args:
        episodes: Table with the columns `reward` and `step`.
        parts: Number of stretches.

    Returns:
        Step at which each stretch ends, and its mean return, without stretches that have no episode.
    """
    steps, count, total = episodes.high("step"), episodes.said("reward"), episodes.total("reward")
    if not len(steps):
        return np.empty(0), np.empty(0)
    edges = np.linspace(0.0, steps[-1], parts + 1)[1:]
    place = np.minimum(np.searchsorted(edges, steps), parts - 1)
    sums = np.bincount(place, weights=total, minlength=parts)
    counts = np.bincount(place, weights=count, minlength=parts)
    filled = counts > 0
    return edges[filled], sums[filled] / counts[filled]


def _ratio(above: float, below: float) -> float:
    if below > 0.0:
        return above / below
    return 0.0 if above == 0.0 or below < 0.0 else math.copysign(math.inf, above)
