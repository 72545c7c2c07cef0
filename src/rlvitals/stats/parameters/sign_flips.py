"""Many questions put to the same rows, and one answer to how many of them may be believed.

Each question is a sum of scores over clusters of rows, `s = sum_c u_c`, that is zero on average if there is nothing to
find. Turning the sign of each cluster's score at random shows how large `s` becomes by chance, whatever the dependence
within a cluster and however the noise differs between clusters (wild cluster bootstrap: Cameron, Gelbach and Miller
2008, Review of Economics and Statistics 90; for scores: Kline and Santos 2012, Journal of Econometric Methods 1). All
questions get the same signs, so that what they share is accounted for.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ParameterQuestion(NamedTuple):
    """One question.

    Attributes:
        total: `s`, shape `(k,)`.
        scores: `u_c`, shape `(c, k)`, whose signs are turned; their spread is that of `s`, though what a regression
            shrank may have been put right in them, so that their sum need not be `s`.
        metric: How `s` is measured, `s' M s`, shape `(k, k)`, positive semi-definite.
    """

    total: NDArray[np.float64]
    scores: NDArray[np.float64]
    metric: NDArray[np.float64]


class Answers(NamedTuple):
    """One answer a question.

    Attributes:
        p_value: Chance of so large an `s` where there is nothing to find, for this question alone, shape `(q,)`.
        adjusted: Chance of so large a one anywhere among the questions (step-down), shape `(q,)`.
    """

    p_value: NDArray[np.float64]
    adjusted: NDArray[np.float64]


def answer(questions: list[ParameterQuestion], generator: np.random.Generator, flips: int) -> Answers:
    """Answer questions that were asked together.

    `T = (s' M s)^(1/3)`, which makes a sum of squares nearly normal (Wilson and Hilferty 1931), is standardised by its
    mean and deviation over the flips, so that questions of different width can be compared. The adjusted p-value is the
    step-down maximum of Westfall and Young (1993, Resampling-Based Multiple Testing, algorithm 2.8), which holds the
    chance of any false answer at its level.

    Args:
        questions: With the same clusters in the same order.
        generator: Draws the signs.
        flips: How often; the smallest possible p-value is `1 / (flips + 1)`.
    """
    if not questions:
        return Answers(np.zeros(0), np.zeros(0))
    clusters = questions[0].scores.shape[0]
    signs = np.where(generator.random((flips, clusters)) < 0.5, -1.0, 1.0)  # noqa: PLR2004 - a coin
    seen, chance = np.empty(len(questions)), np.empty((flips, len(questions)))
    for at, question in enumerate(questions):
        seen[at], chance[:, at] = _standardised(question, signs)
    # Rounding must not separate a flip that repeats what was seen.
    margin = 1e-9
    p_value = (1 + np.count_nonzero(chance >= seen - margin, axis=0)) / (flips + 1)
    order = np.argsort(-seen, kind="stable")
    largest = np.maximum.accumulate(chance[:, order[::-1]], axis=1)[:, ::-1]
    stepped = (1 + np.count_nonzero(largest >= seen[order] - margin, axis=0)) / (flips + 1)
    adjusted = np.empty(len(questions))
    adjusted[order] = np.maximum.accumulate(stepped)
    return Answers(p_value, adjusted)


def _standardised(question: ParameterQuestion, signs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    total = question.total
    flipped = signs @ question.scores
    seen = float(np.cbrt(max(float(total @ question.metric @ total), 0.0)))
    chance = np.cbrt(np.maximum(np.einsum("bk,kl,bl->b", flipped, question.metric, flipped, optimize=True), 0.0))
    spread = float(chance.std())
    if not spread > 1e-9 * float(chance.max(initial=0.0)):  # nothing varies, and so nothing can be found
        return -np.inf, np.full(chance.size, -np.inf)
    return (seen - float(chance.mean())) / spread, (chance - chance.mean()) / spread
