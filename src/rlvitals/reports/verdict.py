"""The verdict: what a reader should know if he reads nothing else."""

from rlvitals.diagnosis import CRITICAL, WARNING, Diagnosis
from rlvitals.reports.document import Verdict
from rlvitals.runs import Header
from rlvitals.summary.life import OPEN
from rlvitals.summary.measures import WINDOW
from rlvitals.summary.run_summary import RunSummary
from rlvitals.words import count, number, percent

_TREND = {
    "improving": ("good", "Learning", "the reward is rising"),
    "declining": ("watch", "Falling", "the reward is falling"),
    "stable": ("neutral", "Steady", "the reward stays where it is"),
}
_REST = {
    "converged": ("good", "Converged", "the reward has come to rest"),
    "flat": ("neutral", "Flat", "the reward never moved"),
}


def verdict_of(summary: RunSummary, diagnosis: Diagnosis, header: Header) -> Verdict:
    """Judge a run in a few words: how it ended if badly, else the worst finding, else where the reward goes.

    Args:
        summary: What it comes to.
        diagnosis: What is wrong.
        header: What it says of itself.
    """
    score = diagnosis.health_score
    status = summary.life.status
    if status in {"failed", "crashed"}:
        return Verdict("bad", status.capitalize(), _sentence(_why(summary, header)), score)
    worst = next((finding for finding in diagnosis.findings if finding.severity in {CRITICAL, WARNING}), None)
    if worst is not None:
        is_critical = diagnosis.status == CRITICAL
        return Verdict("bad" if is_critical else "watch", worst.title, _sentence(worst.cause), score)
    if status in {"stalled", "preempted"}:
        return Verdict("watch", status.capitalize(), _sentence(_why(summary, header)), score)
    if "reward" not in summary.measures:
        title = "No episode finished yet" if summary.life.status in OPEN else "No reward recorded"
        return Verdict("neutral", title, _waiting(summary), score)
    return _learning(summary, score)


def _learning(summary: RunSummary, score: int | None) -> Verdict:
    reward = summary.measures.get("reward")
    going = "not enough data" if reward is None else reward.going.verdict
    rest = "" if reward is None else reward.rest.status
    known = _REST.get(rest) or _TREND.get(going)
    if reward is None or known is None:
        few = f"{count(summary.rewards)} {_values(summary)} are too few to tell a trend from chance."
        return Verdict("neutral", "Too early to tell", few, score)
    tone, title, text = known
    parts = [text]
    if reward.recent.estimate is not None:
        recent = f"{summary.recent_rewards} {_values(summary)}"
        parts.append(f"its mean over the last {recent} is {number(reward.recent.estimate)}")
    if summary.success.recent is not None and summary.success.recent.estimate is not None:
        reported = summary.success.recent_known
        whose = "them" if reported >= min(WINDOW, summary.episodes) else f"the {count(reported)} that reported it"
        parts.append(f"{percent(summary.success.recent.estimate)} of {whose} are successes")
    return Verdict(tone, title, _sentence("; ".join(parts)), score)


def _why(summary: RunSummary, header: Header) -> str:
    failure = header.failure
    return summary.life.reason if failure is None else failure.text


def _values(summary: RunSummary) -> str:
    return f"values ({summary.reward_source})" if summary.reward_source else "episodes"


def _waiting(summary: RunSummary) -> str:
    so_far, yet = (" so far", " yet") if summary.life.status in OPEN else ("", "")
    if summary.env_step:
        return f"{count(summary.env_step)} environment steps were taken{so_far}."
    return f"Nothing was recorded{yet}."


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
