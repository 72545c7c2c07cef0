"""Whether the skill changed, or only the mix of what was practised."""

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

_FEWEST_OF_A_CATEGORY = 5  # in each half
_FLAT = 0.5  # of the change by the mix
_ROUNDING = 1e-12


class MixShift(NamedTuple):
    """How a mean changed from the earlier half of a series to the later, and why.

    Attributes:
        verdict: In words. Skill improved or declined where the interval of `within` excludes zero (hidden where the
            overall mean did the opposite); else the mix moves where that of `mix` does: only the mix, where skill
            surely changed by less than half as much.
        total: Change of the overall mean, with its interval, units of the values.
        within: The part of it by which categories changed themselves.
        mix: The part by which their shares changed. `within + mix = total`.
        by_category: Change of each category's mean, for those with at least 5 values in each half.
        shares: Share of each category in the earlier and in the later half.
        compared: Share of the values that belong to categories seen in both halves, 0 to 1; the rest counts as mix.
        used: Values used.
        dropped: Values left out: not finite, or without a category.
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

    With shares `w` and means `m` of category c in the earlier (1) and later (2) half,

        total  = sum_c w_c2 m_c2 - w_c1 m_c1
        within = sum_c (w_c1 + w_c2)/2 (m_c2 - m_c1)
        mix    = sum_c (w_c2 - w_c1) (m_c1 + m_c2)/2

    (Kitagawa 1955, JASA 50; Oaxaca 1973). Simpson's paradox (1951) is `within` and `total` of opposite signs. A
    category that only one half has seen cannot have improved: its `m` is taken as unchanged, so that it counts as mix.
    Intervals by the delta method: each part is a smooth function of means, so its error is the mean of an influence
    value for each episode; the variance of that mean is taken as of any autocorrelated series, around a line in each
    half (`intervals.mean_distribution`).

    Args:
        values: Rewards, qualities or successes, shape `(n,)`, in time order.
        categories: Name of each one's category, shape `(n,)`; None where there is none.
        confidence: Two-sided.

    Returns:
        The parts; `not enough data` where no category has 5 values in each half.

    Raises:
        ValueError: The two differ in length.
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
    """Counts, shares and means by half and category, shape `(2, c)`."""

    counts: NDArray[np.float64]
    shares: NDArray[np.float64]
    means: NDArray[np.float64]

    @classmethod
    def of(cls, y: NDArray[np.float64], codes: NDArray[np.int64], later: NDArray[np.bool_], width: int) -> "_Tables":
        counts = np.stack([np.bincount(codes[half], minlength=width) for half in (~later, later)]).astype(np.float64)
        sums = np.stack([np.bincount(codes[half], y[half], minlength=width) for half in (~later, later)])
        means = sums / np.maximum(counts, 1.0)
        # What one half has not seen is taken as the other half saw it.
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
        """Half of each value; its deviation from its category's mean, over its share; and `n / n_half`."""
        half = later.astype(np.int64)
        deviation = (y - self.means[half, codes]) / self.shares[half, codes]
        return half, deviation, y.size / self.counts.sum(axis=1)[half]

    def influence_within(
        self, y: NDArray[np.float64], codes: NDArray[np.int64], later: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Influence of each value on `within`, shape `(n,)`, mean 0 but for rounding."""
        half, deviation, scale = self._errors(y, codes, later)
        both = self.counts.min(axis=0) > 0.0
        change = np.where(both, self.means[1] - self.means[0], 0.0)
        of_means = np.where(both, self.shares.mean(axis=0), 0.0)[codes] * deviation * np.where(half, 1.0, -1.0)
        of_shares = 0.5 * (change[codes] - (self.shares @ change)[half])
        return np.asarray(scale * (of_means + of_shares), dtype=np.float64)

    def influence_mix(
        self, y: NDArray[np.float64], codes: NDArray[np.int64], later: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Influence of each value on `mix`, shape `(n,)`."""
        half, deviation, scale = self._errors(y, codes, later)
        # A mean that stands for both halves counts twice.
        weight = np.where(self.counts.min(axis=0) > 0.0, 0.5, 1.0)
        level = self.means.mean(axis=0)
        of_means = (weight * (self.shares[1] - self.shares[0]))[codes] * deviation
        of_shares = (level[codes] - (self.shares @ level)[half]) * np.where(half, 1.0, -1.0)
        return np.asarray(scale * (of_means + of_shares), dtype=np.float64)


def _with_interval(estimate: float, influence: NDArray[np.float64], split: int, confidence: float) -> Interval:
    """The estimate with the interval that the mean of its influence values has."""
    count = influence.size
    moves = np.ptp(influence) > _ROUNDING * max(abs(estimate), float(np.abs(influence).max()))
    known = mean_distribution(influence, split) if moves else None
    if known is None:
        return Interval(estimate, estimate, estimate, float(count), count)
    half = known.mixture.quantile(0.5 + 0.5 * confidence) * known.unit
    effective = known.effective(float((influence / known.unit).var()), count)
    return Interval(estimate, estimate - half, estimate + half, effective, count)


def _category(y: NDArray[np.float64], later: NDArray[np.bool_], confidence: float) -> Interval:
    """Change of one category's mean."""
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
