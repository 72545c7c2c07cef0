"""The rules, a file a family. Importing this package loads them all."""

from rlvitals.diagnosis.rules import (
    blind,
    entropy,
    episodes,
    machine,
    numerics,
    policy,
    progress,
    regression,
    reward,
    throughput,
    value,
)
from rlvitals.diagnosis.rules.rule import RULES, Rule, Sign, rule

__all__ = [
    "RULES",
    "Rule",
    "Sign",
    "blind",
    "entropy",
    "episodes",
    "machine",
    "numerics",
    "policy",
    "progress",
    "regression",
    "reward",
    "rule",
    "throughput",
    "value",
]
