"""How the return went: where it began, its best, where it is now, in units of its own noise."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.thresholds import Threshold

FEWEST_EPISODES = Threshold(10, "episodes", "Episodes of a window, at least.")
FEWEST_REWARDS = Threshold(20, "rewards", "Finite rewards below which the course of the returns is not judged.")
WINDOW_SHARE = Threshold(0.05, "%", "Share of the steps so far that a window of episodes covers.")
START_SHARE = Threshold(0.05, "%", "Share of the episodes that the start consists of.")
MOST_START = Threshold(50, "episodes", "Episodes that the start consists of, at most.")
OPENING_SHARE = Threshold(0.1, "%", "Share of the steps so far that the opening consists of.")
LATE_SHARE = Threshold(0.25, "%", "Share of the steps so far that the late stretch consists of.")


class ReturnLevel(NamedTuple):
    """Some episodes in a row: their mean return, its standard error, how many they are, and where they end."""

    mean: float
    error: float
    episodes: float
    step: float

    @property
    def deviation(self) -> float:
        """Standard deviation of their single returns."""
        return self.error * math.sqrt(self.episodes)


class ReturnWindows(NamedTuple):
    """Every window of episodes in a row: a twentieth of the steps so far, and at least ten episodes.

    Attributes:
        middle: Mean of all returns, which `means` are relative to, so that squares do not drown in it.
        means: Mean return of the window that ends in each row of the table, less `middle`.
        variances: Variance of the single returns in it.
        numbers: How many they are.
        steps: Environment step at which it ends.
        whole: Rows whose window has ten episodes or more.
    """

    middle: float
    means: Floats
    variances: Floats
    numbers: Floats
    steps: Floats
    whole: NDArray[np.int64]

    def level(self, row: int) -> ReturnLevel:
        """The window that ends in a row."""
        error = math.sqrt(self.variances[row] / self.numbers[row])
        return ReturnLevel(
            float(self.means[row]) + self.middle, error, float(self.numbers[row]), float(self.steps[row])
        )


class Learning(NamedTuple):
    """The course of the returns.

    Attributes:
        start: The first episodes.
        recent: The last ones.
        best: The best window of episodes.
        worst: The worst one.
        spread: Standard deviation of single returns within a window, robustly over the run. The noise of
            `stats.series.trend`, around one curve through the whole run, was measured in its place on the corpus: it
            takes a late collapse for noise, and 108 of 111 faults were named first, 110 with this.
        opening: The first tenth of the steps.
        late: The last quarter of the steps.
        trough: The worst window behind the best; the best one itself, where none is behind it.
        regained: The best window behind the trough, likewise.
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
        """How much better the last episodes are than the first, in standard deviations of single returns."""
        return _ratio(self.recent.mean - self.start.mean, self.spread)

    @property
    def best_gain(self) -> float:
        """How much better the best window is than the first episodes, likewise."""
        return _ratio(self.best.mean - self.start.mean, self.spread)

    @property
    def significance(self) -> float:
        """The difference of last and first episodes in units of its standard error."""
        return _ratio(self.recent.mean - self.start.mean, math.hypot(self.recent.error, self.start.error))

    @property
    def rise(self) -> float:
        """How much better the last quarter is than the first tenth, in standard deviations of single returns."""
        return _ratio(self.late.mean - self.opening.mean, self.spread)

    @property
    def lost(self) -> float:
        """The share of what was gained that is lost again: 0 at the best, 1 back at the start, above 1 below it."""
        return self.lost_at(self.recent)

    def lost_at(self, level: ReturnLevel) -> float:
        """The same at another time behind the best."""
        return max(0.0, _ratio(self.best.mean - level.mean, self.best.mean - self.start.mean))


def windows_of(episodes: BlockTable) -> ReturnWindows | None:
    """Windows of episodes.

    Args:
        episodes: With the columns `reward`, `reward_squared` and `step`.

    Returns:
        `None` for fewer than twice ten finite returns.
    """
    count, total, squared = (episodes.said("reward"), episodes.total("reward"), episodes.total("reward_squared"))
    number = float(count.sum())
    if number < FEWEST_REWARDS:
        return None
    steps = episodes.high("step")
    # Sums from the front, so that any window is a difference.
    middle = float(total.sum() / number)
    n, s = np.cumsum(count), np.cumsum(total - middle * count)
    q = np.cumsum(squared - 2.0 * middle * total + middle * middle * count)
    by_step = np.searchsorted(steps, steps - WINDOW_SHARE * (steps[-1] - steps[0]), side="right")
    by_count = np.searchsorted(n, n - FEWEST_EPISODES, side="right")
    first = np.minimum(by_step, by_count)  # each window goes from there to its row
    wn, ws, wq = (sums - np.where(first > 0, sums[first - 1], 0.0) for sums in (n, s, q))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = ws / wn
        variances = np.maximum(wq / wn - means**2, 0.0) * wn / np.maximum(wn - 1.0, 1.0)
    whole = np.flatnonzero((n >= FEWEST_EPISODES) & np.isfinite(means))
    return ReturnWindows(middle, means, variances, wn, steps, whole) if whole.size else None


def learning_of(episodes: BlockTable) -> Learning | None:
    """The course of the returns.

    Windows are those of `windows_of`; returns that are not finite are left out. Shifting the returns shifts the levels;
    multiplying them multiplies levels and spread.

    Args:
        episodes: With the columns `reward`, `reward_squared` and `step`.

    Returns:
        `None` for fewer than twice ten finite returns.
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
    opened[0] = lately[-1] = True  # a block may hold more than all that
    level = windows.level
    recent, ends = level(int(whole[-1])), (stretch(opened), stretch(lately))
    return Learning(start, recent, level(best), level(worst), spread, *ends, level(trough), level(regained))


def window_means(episodes: BlockTable, parts: int) -> tuple[Floats, Floats]:
    """Mean returns of equal stretches of environment steps.

    Args:
        episodes: With the columns `reward` and `step`.
        parts: How many stretches.

    Returns:
        Where each ends (steps), and its mean return; stretches without an episode are left out.
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
