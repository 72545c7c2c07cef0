"""Decomposition of a change in the mean into a change of skill and a change of the task mix."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.intervals import Interval, mean_distribution

MixVerdict = Literal[
    "skill improved",
    "skill declined",
    "only the mix moves",
    "the mix moves, skill unclear",
    "skill improved, hidden by the mix",
    "skill declined, hidden by the mix",
    "no change shown",
    "not enough data",
]

_FEWEST_OF_A_CATEGORY = 5  # values in each half
_FLAT = 0.5  # fraction of the change due to the mix
_ROUNDING = 1e-12


class MixShift(NamedTuple):
    """Change of a mean from the first half of a series to the second, split into its causes.

    Attributes:
        verdict: Verdict in words. Skill improved or declined if the interval of `within` excludes zero, "hidden" if the
            overall mean did not move in the same direction. Otherwise the mix moves if the interval of `mix` excludes
            zero; "only" the mix if skill changed by less than half as much at the given confidence.
        total: Change of the overall mean with its confidence interval, in the units of the values.
        within: Change due to skill, that is, to the means of the categories, same units.
        mix: Change due to the shares of the categories, same units. `within + mix = total`.
        by_category: Change of the mean of each category with at least 5 values in each half, same units.
        shares: Share of each category in the first and in the second half, 0 to 1.
        compared: Share of the values in categories that occur in both halves, 0 to 1. Remaining values count as mix.
        used: Number of values used.
        dropped: Number of values left out because they are non-finite or have no category.
    """

    verdict: MixVerdict
    total: Interval
    within: Interval
    mix: Interval
    by_category: dict[str, Interval]
    shares: dict[str, tuple[float, float]]
    compared: float
    used: int
    dropped: int


def mix_shift(values: ArrayLike, categories: ArrayLike | Sequence[str | None], *, confidence: float = 0.95) -> MixShift:
    """Split the change of a mean, from the first half to the second, into skill and mix.

    With shares `w` and means `m` of category c in the first (1) and second (2) half,

        total  = sum_c w_c2 m_c2 - w_c1 m_c1
        within = sum_c (w_c1 + w_c2)/2 (m_c2 - m_c1)
        mix    = sum_c (w_c2 - w_c1) (m_c1 + m_c2)/2

    (Kitagawa 1955, JASA 50; Oaxaca 1973). In Simpson's paradox (1951) `within` and `total` have opposite signs. A
    category that occurs in only one half cannot show an improvement. Its `m` is assumed unchanged, so it counts as mix.

    The intervals follow from the delta method. Each part is a smooth function of means, so its error is the mean of one
    influence value per episode. The variance of that mean is estimated as for any autocorrelated series, around a line
    in each half (`intervals.mean_distribution`).

    Args:
        values: Rewards, qualities or successes in time order, shape `(n,)`.
        categories: Category of each value, shape `(n,)`; None if it has none.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The parts of the change; `not enough data` if no category has 5 values in each half.

    Raises:
        ValueError: The two arrays differ in length.
    """
    series, names = np.asarray(values, dtype=np.float64).ravel(), np.asarray(categories, dtype=object).ravel()
    if series.size != names.size:
        raise ValueError(f"{series.size} values but {names.size} categories")
    kept = np.isfinite(series) & np.array([name is not None for name in names], dtype=bool)
    y = series[kept]
    texts, codes = np.unique(np.array([str(name) for name in names[kept]], dtype=str), return_inverse=True)
    later = np.arange(y.size) >= y.size // 2
    tables = _Tables.of(y, codes, later, texts.size)
    labels = [str(text) for text in texts]
    dropped = series.size - y.size
    shares = {name: (float(a), float(b)) for name, a, b in zip(labels, *tables.shares, strict=True)}
    comparable = tables.counts.min(axis=0) >= _FEWEST_OF_A_CATEGORY
    if not comparable.any():
        none = Interval(math.nan, math.nan, math.nan, math.nan, y.size)
        return MixShift("not enough data", none, none, none, {}, shares, 0.0, y.size, dropped)
    within, mix = tables.influence_within(y, codes, later), tables.influence_mix(y, codes, later)
    parts = [
        _with_interval(estimate, influence, y.size // 2, confidence)
        for estimate, influence in (
            (tables.within + tables.mix, within + mix),
            (tables.within, within),
            (tables.mix, mix),
        )
    ]
    by_category = {
        labels[c]: _category(y[codes == c], later[codes == c], confidence) for c in np.flatnonzero(comparable)
    }
    return MixShift(
        verdict=_verdict(*parts),
        total=parts[0],
        within=parts[1],
        mix=parts[2],
        by_category=by_category,
        shares=shares,
        compared=float(tables.counts[:, tables.counts.min(axis=0) > 0].sum() / y.size),
        used=y.size,
        dropped=dropped,
    )


class _Tables(NamedTuple):
    """Counts, shares and means by half and category, each of shape `(2, c)`."""

    counts: NDArray[np.float64]
    shares: NDArray[np.float64]
    means: NDArray[np.float64]

    @classmethod
    def of(cls, y: NDArray[np.float64], codes: NDArray[np.int64], later: NDArray[np.bool_], width: int) -> "_Tables":
        counts = np.stack([np.bincount(codes[half], minlength=width) for half in (~later, later)]).astype(np.float64)
        sums = np.stack([np.bincount(codes[half], y[half], minlength=width) for half in (~later, later)])
        means = sums / np.maximum(counts, 1.0)
        # A category missing from one half takes its mean from the other half.
        means = np.where(counts > 0.0, means, means[::-1])
        return cls(counts, counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0), means)

    @property
    def within(self) -> float:
        return float(self.shares.mean(axis=0) @ (self.means[1] - self.means[0]))

    @property
    def mix(self) -> float:
        return float((self.shares[1] - self.shares[0]) @ self.means.mean(axis=0))

    def _errors(
        self, y: NDArray[np.float64], codes: NDArray[np.int64], later: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the half of each value, its deviation from its category's mean over its share, and `n / n_half`."""
        half = later.astype(np.int64)
        deviation = (y - self.means[half, codes]) / self.shares[half, codes]
        return half, deviation, y.size / self.counts.sum(axis=1)[half]

    def influence_within(
        self, y: NDArray[np.float64], codes: NDArray[np.int64], later: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the influence of each value on `within`, shape `(n,)`, with mean 0 up to rounding."""
        half, deviation, scale = self._errors(y, codes, later)
        both = self.counts.min(axis=0) > 0.0
        change = np.where(both, self.means[1] - self.means[0], 0.0)
        of_means = np.where(both, self.shares.mean(axis=0), 0.0)[codes] * deviation * np.where(half, 1.0, -1.0)
        of_shares = 0.5 * (change[codes] - (self.shares @ change)[half])
        return np.asarray(scale * (of_means + of_shares), dtype=np.float64)

    def influence_mix(
        self, y: NDArray[np.float64], codes: NDArray[np.int64], later: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the influence of each value on `mix`, shape `(n,)`."""
        half, deviation, scale = self._errors(y, codes, later)
        # A mean used for both halves counts twice.
        weight = np.where(self.counts.min(axis=0) > 0.0, 0.5, 1.0)
        level = self.means.mean(axis=0)
        of_means = (weight * (self.shares[1] - self.shares[0]))[codes] * deviation
        of_shares = (level[codes] - (self.shares @ level)[half]) * np.where(half, 1.0, -1.0)
        return np.asarray(scale * (of_means + of_shares), dtype=np.float64)


def _with_interval(estimate: float, influence: NDArray[np.float64], split: int, confidence: float) -> Interval:
    """Return the estimate with the confidence interval of the mean of its influence values."""
    count = influence.size
    moves = np.ptp(influence) > _ROUNDING * max(abs(estimate), float(np.abs(influence).max()))
    known = mean_distribution(influence, split) if moves else None
    if known is None:
        return Interval(estimate, estimate, estimate, float(count), count)
    half = known.mixture.quantile(0.5 + 0.5 * confidence) * known.unit
    effective = known.effective(float((influence / known.unit).var()), count)
    return Interval(estimate, estimate - half, estimate + half, effective, count)


def _category(y: NDArray[np.float64], later: NDArray[np.bool_], confidence: float) -> Interval:
    """Return the change of one category's mean."""
    codes = np.zeros(y.size, dtype=np.int64)
    tables = _Tables.of(y, codes, later, 1)
    influence = tables.influence_within(y, codes, later)
    return _with_interval(tables.within, influence, int(np.count_nonzero(~later)), confidence)


def _verdict(total: Interval, within: Interval, mix: Interval) -> MixVerdict:
    if not (within.low > 0.0 or within.high < 0.0):
        if not (mix.low > 0.0 or mix.high < 0.0):
            return "no change shown"
        flat = max(-within.low, within.high) <= _FLAT * abs(mix.estimate)
        return "only the mix moves" if flat else "the mix moves, skill unclear"
    up = within.low > 0.0
    hidden = (total.estimate <= 0.0) if up else (total.estimate >= 0.0)
    if up:
        return "skill improved, hidden by the mix" if hidden else "skill improved"
    return "skill declined, hidden by the mix" if hidden else "skill declined"
