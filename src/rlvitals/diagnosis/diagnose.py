"""The diagnosis of a run: findings, skipped rules and health."""

import logging
import math
from typing import Any

import msgspec
import numpy as np

from rlvitals.diagnosis.baseline_comparisons import BaselineComparison
from rlvitals.diagnosis.causes import folded
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.families import STUDY_FAMILY
from rlvitals.diagnosis.finding import CRITICAL, WARNING, Finding
from rlvitals.diagnosis.health import Health, health_of
from rlvitals.diagnosis.learning import FEWEST_REWARDS
from rlvitals.diagnosis.missing_inputs import in_words
from rlvitals.diagnosis.printed_diagnosis import PrintedDiagnosis
from rlvitals.diagnosis.signals import FEWEST_UPDATES

_log = logging.getLogger("rlvitals")
_failed: set[str] = set()


class SkippedRule(msgspec.Struct, frozen=True):
    """A rule that was skipped because its signals are missing, or because it failed.

    Attributes:
        code: Code of the rule.
        missing: Signals that were not logged. In an entry with `|`, any one of the signals is enough.
        error: Type and message of the exception that the rule raised; empty if signals are missing.
    """

    code: str
    missing: tuple[str, ...] = ()
    error: str = ""

    @property
    def text(self) -> str:
        """What the rule needs, or why it failed."""
        return f"the rule failed with {self.error}" if self.error else in_words(self.missing)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The missing signals, or why the rule failed, as `--json` prints them."""
        return (self.text,) if self.error else self.missing


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The diagnosis of a run.

    Attributes:
        findings: Findings, the most probable cause first, with symptoms folded under their causes.
        health: Health score and deductions.
        skipped_rules: Rules that were skipped, with their missing signals or their exception.
        judged: Codes of the rules that were evaluated.
        inapplicable: Codes of the rules that do not apply to the algorithm of the run.
        family: Title of the algorithm family (`families.FAMILIES`).
        env_step: Environment steps so far; `None` before the first.
        episodes: Number of episodes.
        updates: Number of updates.
        rewards: Number of finite rewards: of episodes, or of the series that represents them.
        reward_source: Name of that series (`runs.reward_series`); empty if the rewards are those of episodes.
        baselines: Comparisons of the last evaluation of the agent with the baselines that the run evaluated.
        is_study: Whether the run is a hyperparameter search, whose episodes are trials.
    """

    findings: tuple[Finding, ...] = ()
    health: Health
    skipped_rules: tuple[SkippedRule, ...] = ()
    judged: tuple[str, ...] = ()
    inapplicable: tuple[str, ...] = ()
    family: str = ""
    env_step: int | None = None
    episodes: int = 0
    updates: int = 0
    rewards: int = 0
    reward_source: str = ""
    baselines: tuple[BaselineComparison, ...] = ()
    is_study: bool = False

    @property
    def is_early(self) -> bool:
        """Whether rewards and updates are too few for the main rules to detect a fault."""
        return not is_enough(self.rewards, self.updates)

    @property
    def is_judged(self) -> bool:
        """Whether there is a verdict: enough evidence, or a warning or critical finding."""
        return self.health.score is not None

    @property
    def evidence_text(self) -> str:
        """The amount of evidence, and the amount that a verdict needs."""
        if self.is_study:
            trials = _counted(self.rewards, "trial with a value", "trials with a value")
            return f"{trials}; a verdict needs {FEWEST_REWARDS:.0f}"
        of_what = f"values of {self.reward_source}" if self.reward_source else "episodes with a reward"
        seen = f"value of {self.reward_source}" if self.reward_source else "episode with a reward"
        recorded = f"{_counted(self.rewards, seen, of_what)} and {_counted(self.updates, 'update', 'updates')}"
        return f"{recorded}; a verdict needs {FEWEST_REWARDS:.0f} {of_what} or {FEWEST_UPDATES:.0f} updates"

    @property
    def health_score(self) -> int | None:
        """Health score, 0 to 100; `None` if the run is not judged."""
        return self.health.score

    @property
    def status(self) -> str:
        """The worst severity among the findings (`healthy`, `warning`, `critical`), or `not judged`."""
        return self.health.status

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The warning and critical findings."""
        return tuple(finding for finding in self.findings if finding.severity in {WARNING, CRITICAL})

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as plain values, with the keys that `--json` prints."""
        plain: dict[str, Any] = msgspec.to_builtins(self.printed())
        return plain

    def printed(self) -> PrintedDiagnosis:
        """Return the diagnosis with the keys that `--json` prints."""
        return PrintedDiagnosis(
            status=self.status,
            health_score=self.health_score,
            judged=self.is_judged,
            evidence=self.evidence_text,
            env_step=self.env_step,
            findings=self.findings,
            points_lost=self.health.deductions,
            inapplicable=self.inapplicable,
            skipped_rules={rule.code: rule.reasons for rule in self.skipped_rules},
        )


def diagnose(evidence: Evidence) -> Diagnosis:
    """Assess a run by all rules.

    No content of the data raises an exception. A diagnosis takes a few milliseconds.

    Args:
        evidence: Evidence of a finished or live run.
    """
    # A training process loads the rules in the thread of its live diagnosis, so that it starts sooner.
    from rlvitals.diagnosis.rules import RULES  # noqa: PLC0415

    found: list[Finding] = []
    skipped_rules: list[SkippedRule] = []
    judged: list[str] = []
    family = evidence.settings.of_family
    inapplicable = [rule.code for rule in RULES if not rule.applies_to(family)]
    with np.errstate(all="ignore"):  # overflows come from the data
        evidence = evidence.understood()
        for rule in RULES:
            if rule.code in inapplicable:
                continue
            missing = rule.missing(evidence)
            if missing:
                skipped_rules.append(SkippedRule(rule.code, tuple(missing)))
                continue
            try:
                sign = rule.judge(evidence)
                finding = None if sign is None else rule.finding(sign)
            except Exception as error:  # noqa: BLE001 - a failing rule must not affect the others
                if rule.code not in _failed:  # logged once: a live run is assessed every few seconds
                    _failed.add(rule.code)
                    _log.exception("rule %s failed; skipping it", rule.code)
                skipped_rules.append(SkippedRule(rule.code, error=f"{type(error).__name__}: {error}"))
                continue
            judged.append(rule.code)
            if finding is not None:
                found.append(finding)
    step = evidence.env_step if math.isfinite(evidence.env_step) else 0.0
    findings = folded(found, so_far=step)
    rewards, updates = int(evidence.episodes.said("reward").sum()), evidence.updates.records
    return Diagnosis(
        findings=findings,
        health=health_of(findings, is_judged=is_enough(rewards, updates)),
        skipped_rules=tuple(skipped_rules),
        judged=tuple(judged),
        inapplicable=tuple(inapplicable),
        family=family.title,
        env_step=int(step) or None,
        episodes=0 if evidence.reward_source else evidence.episodes.records,
        updates=updates,
        rewards=rewards,
        reward_source=evidence.reward_source,
        baselines=evidence.baselines,
        is_study=family.name == STUDY_FAMILY,
    )


def is_enough(rewards: int, updates: int) -> bool:
    """Return whether the number of finite rewards or of updates is enough for a verdict."""
    return rewards >= FEWEST_REWARDS or updates >= FEWEST_UPDATES


def _counted(number: int, one: str, many: str) -> str:
    return f"no {one}" if not number else f"1 {one}" if number == 1 else f"{number:,} {many}"
