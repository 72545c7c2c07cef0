"""Sequential comparison: a test and an interval that stay valid if they are repeated after each additional run."""

import math
from typing import Literal, NamedTuple

from numpy.typing import ArrayLike

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import FEWEST_RUNS, finite
from rlvitals.stats.groups.welch import moments_of

Verdict = Literal["better", "worse", "not decided yet", "not enough runs"]

TYPICAL_EFFECT = 1.5
"""Default effect size for which the test is tuned, in standard deviations of a single run."""


class SequentialTest(NamedTuple):
    """Result of a sequential test at one of any number of checks.

    Attributes:
        verdict: `better` or `worse` than the second group; `not decided yet`, after which you can continue or stop; or
            `not enough runs`.
        e_value: Evidence against no difference. Without a difference, the probability that it ever reaches `e` is at
            most `1 / e`.
        difference: First mean minus second mean, with a confidence interval that is valid at all checks simultaneously.
        p_value: `1 / e_value`, at most 1; valid at any check.
    """

    verdict: Verdict
    e_value: float
    difference: PairedEffect
    p_value: float


def sequential_test(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.05, typical: float = TYPICAL_EFFECT
) -> SequentialTest:
    """Compare two groups of runs at any time, even if the results so far decide whether more runs follow.

    The evidence is the Bayes factor of Student's t with a normal prior of the effect, of variance `g = typical^2`, and
    the right Haar prior of mean and standard deviation (Gönen et al. 2005, American Statistician 59):

        E = (1 + k g)^(-1/2) ((1 + t^2 / ((1 + k g) nu)) / (1 + t^2 / nu))^(-(nu + 1) / 2),  k = n m / (n + m)

    With that prior it is an e-process. Without a difference, the probability that it ever exceeds `1 / level` is at
    most the level, for normal outcomes of equal variance (Hendriksen, de Heide and Grünwald 2021, Bayesian Analysis 16;
    Ville 1939). The interval contains every difference that gives `E < 1 / level` after it is subtracted from the first
    group (a confidence sequence: Lai 1976, Annals of Statistics 4).

    Args:
        first: Outcomes of the first group's runs until now, shape `(n,)`. Non-finite values are left out.
        second: Outcomes of the second group's runs until now, shape `(m,)`. Non-finite values are left out.
        level: Significance level: the probability of ever reporting a difference if there is none.
        typical: Expected effect size in standard deviations of a single run. It affects how soon a difference is
            detected, but not the error rate.
    """
    a, b = moments_of(finite(first)), moments_of(finite(second))
    estimate = a.mean - b.mean
    freedom = a.size + b.size - 2
    if min(a.size, b.size) < FEWEST_RUNS:
        return SequentialTest("not enough runs", 1.0, PairedEffect(estimate, math.nan, math.nan), 1.0)
    spread = math.sqrt(((a.size - 1) * a.variance + (b.size - 1) * b.variance) / freedom)
    weight = a.size * b.size / (a.size + b.size)
    widened = 1.0 + weight * typical * typical
    error = spread / math.sqrt(weight)
    if not error > 0.0:
        return SequentialTest("not decided yet", 1.0, PairedEffect(estimate, math.nan, math.nan), 1.0)
    evidence = _evidence((estimate / error) ** 2, freedom, widened)
    reach = _reach(freedom, widened, level)
    low, high = estimate - reach * error, estimate + reach * error
    verdict: Verdict = "better" if low > 0.0 else "worse" if high < 0.0 else "not decided yet"
    return SequentialTest(verdict, evidence, PairedEffect(estimate, low, high), min(1.0, 1.0 / evidence))


def _evidence(squared: float, freedom: int, widened: float) -> float:
    ratio = (freedom + squared / widened) / (freedom + squared)
    return math.exp(-0.5 * math.log(widened) - 0.5 * (freedom + 1.0) * math.log(ratio))


def _reach(freedom: int, widened: float, level: float) -> float:
    """Return the `t` at which the evidence is `1 / level`; infinite if no `t` is sufficient."""
    # Solve E = 1 / level for t^2: (nu + t^2 / w) / (nu + t^2) = c.
    share = math.exp((2.0 * math.log(level) - math.log(widened)) / (freedom + 1.0))
    return math.sqrt(freedom * (1.0 - share) / (share - 1.0 / widened)) if share > 1.0 / widened else math.inf
