"""The definition of a rule and its result."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.families import Family
from rlvitals.diagnosis.finding import Finding

_STREAMS = ("episodes", "updates", "evaluations", "system")


class RuleResult(NamedTuple):
    """Result of a rule that fired.

    Attributes:
        severity: `info`, `warning` or `critical`.
        confidence: Confidence, 0 to 1, that the rule's cause is the actual cause. Definitions and configurations that
            show the fault are near 1, patterns about 0.7, and explanations by elimination below 0.5.
        evidence: Values that support the finding, by name.
        since: Environment step at which the fault started.
        cause: Cause that is specific to this run; empty for the rule's own cause.
        series: Series to inspect in this run; empty for the rule's own series.
        title: Title that is specific to this run; empty for the rule's own title.
        advice: Advice that is specific to this run; empty for the rule's own advice.
    """

    severity: str
    confidence: float
    evidence: dict[str, Any]
    since: float | None = None
    cause: str = ""
    series: tuple[str, ...] = ()
    title: str = ""
    advice: str = ""


class Rule(NamedTuple):
    """A check for one kind of training fault.

    Attributes:
        code: Stable name of its findings.
        title: Short title of its findings.
        meaning: What the rule measures and when it fires.
        needs: Required signals, as `stream.column`. In an entry with `|`, any one of the signals is enough.
        series: Series to inspect.
        cause: Most probable cause.
        advice: What to do.
        source: Paper or reference.
        judge: Function that evaluates the evidence of a run.
    """

    code: str
    title: str
    meaning: str
    needs: tuple[str, ...]
    series: tuple[str, ...]
    cause: str
    advice: str
    source: str
    judge: Callable[[Evidence], RuleResult | None]

    def applies_to(self, family: Family) -> bool:
        """Return whether every required signal has, in an algorithm family, the meaning that the rule assumes."""
        return all(_choices(need, family) for need in self.needs)

    def missing(self, evidence: Evidence) -> list[str]:
        """Return the required signals that a run lacks; of alternatives, those that its algorithm can log."""
        wanted = [_choices(need, evidence.settings.of_family) for need in self.needs]
        return ["|".join(names) for names in wanted if not any(_has(evidence, name) for name in names)]

    def finding(self, sign: RuleResult) -> Finding:
        """Return the finding for a result of this rule."""
        return Finding(
            code=self.code,
            severity=sign.severity,
            confidence=round(sign.confidence, 3),
            title=sign.title or self.title,
            since_step=None if sign.since is None or not math.isfinite(sign.since) else int(sign.since),
            evidence={name: _plain(value) for name, value in sign.evidence.items()},
            series=sign.series or self.series,
            cause=sign.cause or self.cause,
            advice=sign.advice or self.advice,
            source=self.source,
        )


RULES: list[Rule] = []
"""All rules, in the order of their modules."""


def rule(
    code: str,
    *,
    title: str,
    meaning: str,
    cause: str,
    advice: str,
    source: str,
    needs: tuple[str, ...] = (),
    series: tuple[str, ...] = (),
) -> Callable[[Callable[[Evidence], RuleResult | None]], Callable[[Evidence], RuleResult | None]]:
    """Register a function as a rule; see `Rule` for the arguments."""

    def register(judge: Callable[[Evidence], RuleResult | None]) -> Callable[[Evidence], RuleResult | None]:
        shown = series or tuple(need for need in needs if "|" not in need)
        RULES.append(Rule(code, title, meaning, needs, shown, cause, advice, source, judge))
        return judge

    return register


def _choices(need: str, family: Family) -> list[str]:
    """Return the alternatives of a required signal that are valid in a family."""
    return [name for name in need.split("|") if family.takes(name)]


def _has(evidence: Evidence, name: str) -> bool:
    stream, _, column = name.partition(".")
    if stream == "settings":
        return getattr(evidence.settings, column) is not None
    if stream == "context":
        return bool(getattr(evidence.context, column) is not None)
    if stream == "categories":
        return len(evidence.categories) > 1
    if stream == "baselines":
        return bool(evidence.baselines)
    assert stream in _STREAMS, f"{name}: the stream of a signal is one of {', '.join(_STREAMS)}"
    return bool(getattr(evidence, stream).has(column))


def _plain(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
