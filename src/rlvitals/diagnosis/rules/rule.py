"""What a rule is, and what it says."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.families import Family
from rlvitals.diagnosis.finding import Finding

_STREAMS = ("episodes", "updates", "evaluations", "system")


class RuleResult(NamedTuple):
    """What a rule saw in one run.

    Attributes:
        severity: `info`, `warning` or `critical`.
        confidence: How sure it is that the rule's own cause is the cause, 0 to 1. Definitions and configurations that
            show the fault are near 1, patterns about 0.7, what is left when nothing else fits below 0.5.
        evidence: Numbers, by name.
        since: The environment step since which it holds.
        cause: Where this run says more than the rule's own sentence.
        series: What to look at in this run, where the rule's own series say less.
        title: What the finding is called in this run, where that is more exact than the rule's own title.
        advice: What to do in this run, where that is another thing than the rule's own advice.
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
    """One way in which a training goes wrong.

    Attributes:
        code: The stable name of its findings.
        title: A few words for people.
        meaning: What it looks at, and when it speaks, in a sentence or two.
        needs: Signals without which it cannot judge, as `stream.column`; of several in one text parted by `|`, one.
        series: What to look at.
        cause: The likely cause.
        advice: What to try.
        source: Paper or reference.
        judge: Looks at the evidence.
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
        """Whether all that it needs means in a family what it assumes."""
        return all(_choices(need, family) for need in self.needs)

    def missing(self, evidence: Evidence) -> list[str]:
        """The signals that it needs and that this run does not have; of several, those that its algorithm can log."""
        wanted = [_choices(need, evidence.settings.of_family) for need in self.needs]
        return ["|".join(names) for names in wanted if not any(_has(evidence, name) for name in names)]

    def finding(self, sign: RuleResult) -> Finding:
        """The rule's finding for what it saw."""
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
"""Every rule, in the order of the modules that hold them."""


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
    """Make a function a rule; see `Rule` for the arguments."""

    def register(judge: Callable[[Evidence], RuleResult | None]) -> Callable[[Evidence], RuleResult | None]:
        shown = series or tuple(need for need in needs if "|" not in need)
        RULES.append(Rule(code, title, meaning, needs, shown, cause, advice, source, judge))
        return judge

    return register


def _choices(need: str, family: Family) -> list[str]:
    """The signals of a need that a family has."""
    return [name for name in need.split("|") if family.takes(name)]


def _has(evidence: Evidence, name: str) -> bool:
    stream, _, column = name.partition(".")
    if stream == "settings":
        return getattr(evidence.settings, column) is not None
    if stream == "context":
        return bool(getattr(evidence.context, column) is not None)
    if stream == "categories":
        return len(evidence.categories) > 1
    assert stream in _STREAMS, f"{name}: a signal is of {', '.join(_STREAMS)}"
    return bool(getattr(evidence, stream).has(column))


def _plain(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
