"""Diagnosis rules, one module per family. Importing this package registers all of them."""

from rlvitals.diagnosis.rules import (
    entropy,
    episode_endings,
    machine,
    numerics,
    observations,
    parameters,
    policy,
    regression,
    reward,
    slowdown,
    stagnation,
    unbeaten_baselines,
    value,
)
from rlvitals.diagnosis.rules.rule import RULES, Rule, RuleResult, rule

__all__ = [
    "RULES",
    "Rule",
    "RuleResult",
    "entropy",
    "episode_endings",
    "machine",
    "numerics",
    "observations",
    "parameters",
    "policy",
    "regression",
    "reward",
    "rule",
    "slowdown",
    "stagnation",
    "unbeaten_baselines",
    "value",
]
