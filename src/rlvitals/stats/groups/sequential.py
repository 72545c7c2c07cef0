"""Looking again after each further run: a test and an interval that keep their error rate however often one looks."""

import math
from typing import Literal, NamedTuple

from numpy.typing import ArrayLike

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import FEWEST_RUNS, finite
from rlvitals.stats.groups.welch import moments_of

Verdict = Literal["better", "worse", "not decided yet", "not enough runs"]

TYPICAL_EFFECT = 1.5
"""Differences for which it is tuned, in standard deviations of a single run."""


class SequentialTest(NamedTuple):
    """What may be said at one of many looks.

    Attributes:
        verdict: `better` or `worse` than the second group, or `not decided yet`: go on, or stop, as you like.
        e_value: Evidence against no difference: large with a chance of at most `1 / e` at any look, ever.
        difference: First mean less the second, and an interval that holds at all looks together.
        p_value: `1 / e_value`, at most 1: may be read at any look.
    """

    verdict: Verdict
    e_value: float
    difference: PairedEffect
    p_value: float


def sequential_test(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.05, typical: float = TYPICAL_EFFECT
) -> SequentialTest:
    """Compare two groups of runs at any time, also when what was seen decides whether there will be more runs.

    The evidence is the Bayes factor of Student's t with a normal prior of the effect, of variance `g = typical^2`, and
    the right Haar prior of mean and spread (Gönen et al. 2005, American Statistician 59):

        E = (1 + k g)^(-1/2) ((1 + t^2 / ((1 + k g) nu)) / (1 + t^2 / nu))^(-(nu + 1) / 2),  k = n m / (n + m)

    With that prior it is an e-process: its chance of ever exceeding `1 / level` is at most the level where there is no
    difference (Hendriksen, de Heide and Grünwald 2021, Bayesian Analysis 16; Ville 1939), for normal outcomes of equal
    spread. The interval holds every difference that, taken off the first group, leaves `E < 1 / level` (a confidence
    sequence: Lai 1976, Annals of Statistics 4).

    Args:
        first: Outcomes of the first group's runs so far; those that are not finite are left out.
        second: Of the second group's.
        level: Chance that is allowed of ever naming a difference where there is none.
        typical: Effect for which it is tuned; it changes how soon one knows, and not how often one errs.
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
    """The `t` at which the evidence is `1 / level`; infinite where no `t` is enough."""
    # E = 1 / level, solved for t^2: (nu + t^2 / w) / (nu + t^2) = c.
    share = math.exp((2.0 * math.log(level) - math.log(widened)) / (freedom + 1.0))
    return math.sqrt(freedom * (1.0 - share) / (share - 1.0 / widened)) if share > 1.0 / widened else math.inf
