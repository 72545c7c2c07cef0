"""Measured detection rates of each rule, as printed by `python bench/diagnosis.py CORPUS --rates`."""

from typing import NamedTuple


class Rates(NamedTuple):
    """Measured rates of a rule.

    Attributes:
        faults: Number of runs with the fault of the rule.
        detected: Number of these runs in which the rule fired.
        healthy: Number of healthy runs that the rule could evaluate.
        false_alarms: Number of these runs with a warning or critical finding of the rule at any time.
    """

    faults: int
    detected: int
    healthy: int
    false_alarms: int


MEASURED: dict[str, Rates] = {
    "actions-saturated": Rates(3, 3, 22, 0),
    "advantage-estimation": Rates(3, 3, 37, 0),
    "below-baseline": Rates(0, 0, 0, 0),
    "category-neglected": Rates(3, 3, 9, 0),
    "data-missing": Rates(0, 0, 37, 0),
    "dead-policy": Rates(4, 4, 37, 0),
    "discount": Rates(6, 6, 37, 0),
    "entropy-collapse": Rates(4, 4, 37, 0),
    "entropy-too-high": Rates(4, 4, 37, 0),
    "episodes-of-length-one": Rates(3, 3, 37, 0),
    "evaluation-gap": Rates(0, 0, 37, 0),
    "gain-stopped": Rates(0, 0, 37, 0),
    "gradient-explosion": Rates(4, 4, 37, 0),
    "kl-too-large": Rates(4, 4, 37, 0),
    "large-policy-updates": Rates(0, 0, 37, 0),
    "learning-rate-too-high": Rates(5, 5, 37, 0),
    "learning-rate-too-low": Rates(4, 4, 37, 0),
    "learning-rate-zero": Rates(4, 4, 37, 0),
    "memory-leak": Rates(4, 4, 37, 0),
    "no-learning": Rates(0, 0, 37, 0),
    "non-finite": Rates(5, 5, 37, 0),
    "not-better-than-baseline": Rates(0, 0, 0, 0),
    "observations-frozen": Rates(4, 4, 37, 0),
    "parameter-at-bound": Rates(0, 0, 0, 0),
    "parameter-without-effect": Rates(0, 0, 0, 0),
    "plateau": Rates(6, 6, 37, 0),
    "regression": Rates(5, 5, 37, 0),
    "reward-constant": Rates(4, 4, 37, 0),
    "reward-hacking": Rates(1, 1, 28, 0),
    "reward-scale": Rates(7, 7, 37, 0),
    "reward-sign": Rates(8, 7, 37, 0),
    "run-failed": Rates(0, 0, 37, 0),
    "search-exhausted": Rates(0, 0, 0, 0),
    "stale-data": Rates(4, 4, 37, 0),
    "stalled": Rates(0, 0, 37, 0),
    "throughput-drop": Rates(4, 4, 37, 0),
    "truncation-as-termination": Rates(4, 4, 37, 0),
    "value-not-learning": Rates(4, 4, 37, 0),
}
"""Rates on 37 healthy runs and 111 runs with a visible fault: PPO by two implementations in four environments."""
