"""Sign-flip test of several hypotheses on the same rows, adjusted for multiple testing.

Each hypothesis has a sum of scores over clusters of rows, `s = sum_c u_c`, with expectation zero under the null
hypothesis. Flipping the sign of each cluster's score at random gives the null distribution of `s`. It is valid for any
dependence within a cluster and for different noise between clusters (wild cluster bootstrap: Cameron, Gelbach and
Miller 2008, Review of Economics and Statistics 90; for scores: Kline and Santos 2012, Journal of Econometric Methods
1). All hypotheses share the same signs, which accounts for their dependence.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ParameterQuestion(NamedTuple):
    """One hypothesis.

    Attributes:
        total: Sum of scores `s`, shape `(k,)`.
        scores: Cluster scores `u_c`, shape `(c, k)`, whose signs are flipped. They have the spread of `s`. Their sum
            can differ from `s` if they are corrected for the shrinkage of regression residuals.
        metric: Matrix `M` of the test statistic `s' M s`, shape `(k, k)`, positive semi-definite.
    """

    total: NDArray[np.float64]
    scores: NDArray[np.float64]
    metric: NDArray[np.float64]


class Answers(NamedTuple):
    """Test results, one per hypothesis.

    Attributes:
        p_value: p-value of each hypothesis alone, shape `(q,)`.
        adjusted: p-value adjusted for all hypotheses (step-down), shape `(q,)`.
    """

    p_value: NDArray[np.float64]
    adjusted: NDArray[np.float64]


def answer(questions: list[ParameterQuestion], generator: np.random.Generator, flips: int) -> Answers:
    """Test several hypotheses together.

    The statistic `T = (s' M s)^(1/3)` makes a sum of squares approximately normal (Wilson and Hilferty 1931). It is
    standardised by its mean and standard deviation over the flips, so hypotheses of different dimension are comparable.
    The adjusted p-value is the step-down maximum of Westfall and Young (1993, Resampling-Based Multiple Testing,
    algorithm 2.8), which controls the family-wise error rate.

    Args:
        questions: Hypotheses with the same clusters in the same order.
        generator: Random generator for the signs.
        flips: Number of sign flips. The smallest possible p-value is `1 / (flips + 1)`.
    """
    if not questions:
        return Answers(np.zeros(0), np.zeros(0))
    clusters = questions[0].scores.shape[0]
    signs = np.where(generator.random((flips, clusters)) < 0.5, -1.0, 1.0)  # noqa: PLR2004 - a fair coin
    seen, chance = np.empty(len(questions)), np.empty((flips, len(questions)))
    for at, question in enumerate(questions):
        seen[at], chance[:, at] = _standardised(question, signs)
    # Rounding errors must not separate a flip that equals the observed value.
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
    if not spread > 1e-9 * float(chance.max(initial=0.0)):  # without variation, there is nothing to test
        return -np.inf, np.full(chance.size, -np.inf)
    return (seen - float(chance.mean())) / spread, (chance - chance.mean()) / spread
