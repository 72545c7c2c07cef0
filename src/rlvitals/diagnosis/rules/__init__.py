"""The rules, a file a family. Importing this package loads them all."""

from rlvitals.diagnosis.rules import (
    entropy,
    episode_endings,
    machine,
    numerics,
    observations,
    policy,
    regression,
    reward,
    slowdown,
    stagnation,
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
    "policy",
    "regression",
    "reward",
    "rule",
    "slowdown",
    "stagnation",
    "value",
]
