"""Change points of a series: when learning started, when it peaked, when it regressed."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import block_edges, block_means, finite_part
from rlvitals.stats.series.noise import regress, whitened

FEWEST_VALUES = 20
EVIDENCE = 20.0  # threshold of the Bayes factor of a change, averaged over its possible locations
_MOST_CHANGES = 8
_NEAREST = 2  # minimum number of blocks between change points, and from either end
_CLIP = 5.0
_NORMAL_MAD = 1.4826


class LevelChange(NamedTuple):
    """A change of level.

    Attributes:
        place: Index, among the finite values, of the first value after the change.
        position: Position of that value.
        before: Mean of the segment before the change, in the units of the values.
        after: Mean of the segment after the change, same units.
    """

    place: int
    position: float
    before: float
    after: float


class LevelChanges(NamedTuple):
    """Change points of a series.

    Attributes:
        changes: Change points in time order; empty if none is detected.
        levels: Means of the segments, one more than the change points, in the units of the values.
        started: Position of the first change for the better; NaN without one.
        peak: Start position of the best level; NaN without change points.
        regressed: Position of the first change for the worse after the peak; NaN without one.
        enough: Whether there was enough data for the search.
        used: Number of finite values.
        dropped: Number of values left out.
    """

    changes: tuple[LevelChange, ...]
    levels: tuple[float, ...]
    started: float
    peak: float
    regressed: float
    enough: bool
    used: int
    dropped: int


def change_points(
    values: ArrayLike,
    positions: ArrayLike | None = None,
    *,
    evidence: float = EVIDENCE,
    higher_is_better: bool = True,
) -> LevelChanges:
    """Find the change points of the level of a series, allowing for autocorrelated and heavy-tailed noise.

    The series is averaged in at most 48 blocks. Block means more than 5 robust standard deviations from their running
    median of five are clipped. Then one step or a pair of steps is added at a time, while the evidence for it is
    sufficient, to

        block = level + sum_j size_j [t >= t_j] + autocorrelated noise.

    The evidence for a step at `t` is its Bayes factor under Zellner's g-prior with `g = m`,

        B(t) = sum_k w_k (1 + g)^((nu - p) / 2) (1 + g (1 - R_k^2))^(-nu / 2)

    (Liang et al. 2008, JASA 103, eq. 6; p = 1, or 2 for a pair). The sum is over the noise families `k` of
    `stats.series.noise`, with their probabilities `w_k` given no such step. `R^2` is partial, and `nu` the degrees of
    freedom without the step. The mean of `B` over all `t`, and over all pairs, has expectation 1 if nothing changed. It
    therefore exceeds 20 with a probability of at most 1/20 (Markov; an e-value: Grunwald, de Heide and Koolen 2024,
    JRSS B 86), on average over the prior of the noise. Pairs detect a level that returns. After each addition, every
    change point is re-estimated given the remaining ones. Finally each is located to a single value by least squares
    within the neighbouring blocks.

    A slow climb is reported as a staircase.

    Args:
        values: Series in time order, shape `(n,)`. Non-finite values are left out.
        positions: Position of each value, shape `(n,)`; by default its index.
        evidence: Threshold of the mean Bayes factor. 20 limits false alarms to 5 %.
        higher_is_better: Whether higher values are better; False for a loss.
    """
    sample = finite_part(values, positions)
    y = sample.values
    if y.size < FEWEST_VALUES or np.all(y == y[0]):
        enough = y.size >= FEWEST_VALUES
        return LevelChanges(
            (), (float(y[0]),) if enough else (), math.nan, math.nan, math.nan, enough, y.size, sample.dropped
        )
    center = float(np.median(y))
    unit = float(np.abs(y / 2.0 - center / 2.0).max()) * 2.0
    z = (y - center) / unit
    edges = block_edges(z.size)
    heights = _without_spikes(block_means(z, edges))
    blocks = _search(heights, z.size, evidence)
    cuts = [0, *_refined(z, edges, blocks), z.size]
    levels = tuple(float(np.mean(z[a:b])) * unit + center for a, b in pairwise(cuts))
    found = tuple(
        LevelChange(cut, float(sample.positions[cut]), levels[i], levels[i + 1]) for i, cut in enumerate(cuts[1:-1])
    )
    sign = 1.0 if higher_is_better else -1.0
    started = next((c.position for c in found if sign * (c.after - c.before) > 0.0), math.nan)
    top = int(np.argmax(sign * np.array(levels)))
    return LevelChanges(
        changes=found,
        levels=levels,
        started=started,
        peak=float(sample.positions[cuts[top]]) if found else math.nan,
        regressed=found[top].position if top < len(found) else math.nan,
        enough=True,
        used=y.size,
        dropped=sample.dropped,
    )


def _search(heights: NDArray[np.float64], observations: int, evidence: float) -> list[int]:
    """Return the first block of each new level, in order."""
    chosen: list[int] = []
    while len(chosen) < _MOST_CHANGES:
        candidates = _candidates(heights.size, chosen)
        if not candidates.size:
            break
        single, pairs, ends = _bayes_factors(heights, observations, chosen, candidates)
        mean_single, mean_pairs = float(single.mean()), float(pairs.mean()) if pairs.size else 0.0
        if 0.5 * (mean_single + mean_pairs) <= evidence:
            break
        if not pairs.size or single.max() / single.size >= pairs.max() / pairs.size:
            chosen.append(int(candidates[np.argmax(single)]))
        else:
            chosen.extend(int(candidates[end[np.argmax(pairs)]]) for end in ends)
        chosen = _placed(heights, observations, chosen)
    return sorted(chosen)


def _placed(heights: NDArray[np.float64], observations: int, chosen: list[int]) -> list[int]:
    """Re-estimate every change point given the remaining ones, and return them."""
    for turn in range(len(chosen)):
        others = chosen[:turn] + chosen[turn + 1 :]
        candidates = _candidates(heights.size, others)
        single, _, _ = _bayes_factors(heights, observations, others, candidates)
        chosen[turn] = int(candidates[np.argmax(single)])
    return chosen


def _candidates(blocks: int, chosen: list[int]) -> NDArray[np.int64]:
    """Return the blocks at which a new level can start: not too close to an end or to another change point."""
    taken = np.array([0, blocks, *chosen])
    places = np.arange(blocks, dtype=np.int64)
    free = np.abs(places[:, None] - taken).min(axis=1) >= _NEAREST
    candidates: NDArray[np.int64] = places[free]
    return candidates


def _bayes_factors(
    heights: NDArray[np.float64], observations: int, chosen: list[int], candidates: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the Bayes factors of one more step at each candidate and of each pair, given the chosen steps."""
    count = heights.size
    base = _steps(count, np.array([0, *chosen]))
    weights = regress(heights, base, observations).weights
    q, _ = np.linalg.qr(whitened(base))
    rest = _residual(q, whitened(_steps(count, candidates)))
    residual = _residual(q, whitened(heights[:, None]))[:, :, 0]
    total = np.maximum(np.einsum("km,km->k", residual, residual), 1e-300)
    product = np.einsum("kmc,km->kc", rest, residual) / np.sqrt(total)[:, None]
    gram = np.swapaxes(rest, 1, 2) @ rest
    own = np.maximum(np.diagonal(gram, axis1=1, axis2=2), 1e-12)
    freedom = count - base.shape[1]
    single = weights @ _factor(product**2 / own, freedom, count, 1)
    first, second = np.triu_indices(candidates.size, _NEAREST)
    both = gram[:, first, second]
    determinant = np.maximum(own[:, first] * own[:, second] - both**2, 1e-12)
    a, b = product[:, first], product[:, second]
    explained = (own[:, second] * a**2 - 2.0 * both * a * b + own[:, first] * b**2) / determinant
    pairs = weights @ _factor(explained, freedom, count, 2)
    return single, pairs, (first, second)


def _factor(explained: NDArray[np.float64], freedom: int, g: float, steps: int) -> NDArray[np.float64]:
    """Return the Bayes factor from the partial R^2, limited to 1e150 so that sums stay finite."""
    logs = 0.5 * (freedom - steps) * math.log1p(g) - 0.5 * freedom * np.log1p(g * (1.0 - np.clip(explained, 0.0, 1.0)))
    factors: NDArray[np.float64] = np.exp(np.minimum(logs, 345.0))
    return factors


def _residual(q: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    left: NDArray[np.float64] = columns - q @ (np.swapaxes(q, 1, 2) @ columns)
    return left


def _steps(count: int, starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return columns that are 0 before their start and 1 from it on, shape `(count, len(starts))`."""
    return np.asarray(np.arange(count)[:, None] >= starts, dtype=np.float64)


def _refined(z: NDArray[np.float64], edges: NDArray[np.int64], blocks: list[int]) -> list[int]:
    """Return the index of the first value of each new level.

    Each is the least-squares location of one step between the neighbouring change points, near its block.
    """
    cuts: list[int] = []
    for turn, block in enumerate(blocks):
        lower = int(edges[blocks[turn - 1]]) if turn else 0
        upper = int(edges[blocks[turn + 1]]) if turn + 1 < len(blocks) else z.size
        near = np.arange(int(edges[block - 1]), int(edges[block + 1]) + 1)
        near = near[(near > (cuts[-1] if cuts else 0)) & (near > lower) & (near < upper)]
        part = z[lower:upper]
        sums = np.cumsum(part)
        before = near - lower
        after = part.size - before
        gained = (sums[before - 1] - sums[-1] * before / part.size) ** 2 * part.size / (before * after)
        cuts.append(int(near[np.argmax(gained)]))
    return cuts


def _without_spikes(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the block means, clipped to 5 robust standard deviations from their running median of five; steps stay."""
    padded = np.pad(heights, 2, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    width = _NORMAL_MAD * float(np.median(np.abs(heights - middle)))
    if not width > 0.0:
        return heights
    return np.asarray(np.clip(heights, middle - _CLIP * width, middle + _CLIP * width), dtype=np.float64)
