"""Comparison of two evaluations by their means, if their items are unknown or differ."""

from rlvitals.stats.groups.paired_items import ItemComparison, PairedEffect, effect_verdict, no_effect
from rlvitals.stats.groups.welch import Moments, welch


def compare_means(
    candidate: Moments, baseline: Moments, *, higher_is_better: bool = True, confidence: float = 0.95
) -> ItemComparison:
    """Compare the means of two evaluations with Welch's test.

    Args:
        candidate: Number of evaluation episodes, and mean and variance of their values.
        baseline: The same of the baseline.
        higher_is_better: Whether higher values are better; False for a size or a time.
        confidence: Two-sided confidence level of the interval, in (0, 1).

    Returns:
        The comparison. Its number of items is the number of episodes of the smaller evaluation. What needs paired items
        is NaN or 0.
    """
    difference = welch(candidate, baseline)
    mean = PairedEffect(difference.estimate, *difference.interval(confidence))
    count, nothing = min(candidate.size, baseline.size), no_effect()
    return ItemComparison(
        verdict=effect_verdict(mean, difference.p_value, count, higher_is_better, confidence),
        items=count,
        unshared=0,
        not_finite=0,
        mean=mean,
        median=nothing,
        ratio=nothing,
        improved=nothing,
        better=0,
        worse=0,
        ties=0,
        p_value=difference.p_value,
    )
