"""The verdict on a comparison: all conclusions for one pair of groups, a count of verdicts for many pairs."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rlvitals.comparison.caveats import WITHOUT_TEST
from rlvitals.comparison.experiments import UNKNOWN_SETTINGS
from rlvitals.comparison.result import Comparison, RunGroup, Versus
from rlvitals.comparison.result import Verdict as PairVerdict
from rlvitals.comparison.wording import cut, outcome_phrase, short
from rlvitals.formatting import count, counted, listed
from rlvitals.summary.tones import TONES
from rlvitals.summary.verdict import Verdict

IN_ORDER: tuple[PairVerdict, ...] = ("better", "worse", "different", "the same")
"""The verdicts that show a result, in display order."""
_NAMED = 6


def overall_verdict(found: Comparison) -> Verdict:
    """Return the overall verdict of a comparison.

    Args:
        found: Comparison to summarise.
    """
    made = found.comparisons
    if not made:
        # The caveats explain why, and how to form groups.
        text = "\n".join(_result(group, found) for group in found.groups)
        return Verdict("neutral", "Nothing to compare", text)
    if len(made) == 1:
        one = made[0]
        return Verdict(_tone(one.verdict), _title(one), "\n".join(one.sentences))
    counts = Counter(one.verdict for one in made)
    shown = [verdict for verdict in counts if verdict in IN_ORDER]
    against = f" with {cut(made[0].baseline)}" if len({one.baseline for one in made}) == 1 else ""
    parts = [f"{counts[verdict]} {verdict} ({_named(verdict, made)})" for verdict in shown]
    parts += [f"{many} {verdict}" for verdict, many in counts.items() if verdict not in IN_ORDER]
    text = f"Of {count(len(made))} comparisons{against}: {'; '.join(parts)}."
    if counts.keys() - WITHOUT_TEST:
        text += " The tests are adjusted for the number of comparisons."
    matter = [cut(one.name) for one in found.settings.influences if one.matters] if found.settings else []
    if matter:
        text += f"\nOver all runs, these settings have an effect: {listed(matter, _NAMED)}."
    tone = _tone(shown[0]) if len(shown) == 1 else "neutral"
    if matter and not shown:
        return Verdict(tone, f"No difference shown, but settings have an effect: {cut(', '.join(matter))}", text)
    return Verdict(tone, _title_of_many(counts, len(made)), text)


def _result(group: RunGroup, found: Comparison) -> str:
    """State the mean of a group that is not compared, its interval and its number of runs."""
    mean = group.estimates[found.statistic].mean
    phrase = outcome_phrase(found.statistic, found.metric)
    what = f"{phrase[:1].upper()}{phrase[1:]}"
    whose = f" of {cut(group.name)}" if len(found.groups) > 1 else ""
    runs = counted(group.counted, "run")
    if not group.counted:
        return f"{what}{whose}: unknown, because no run has an outcome."
    if group.name == UNKNOWN_SETTINGS and group.counted > 1:
        return f"{what}{whose}: listed below for each of {runs}, because their settings can differ."
    if mean.estimate is None:
        environments = counted(len(group.tasks), "environment")
        return f"{what}{whose}: {runs} in {environments}. The mean of each environment is listed below."
    if mean.low is not None:
        within = f"95 % interval {short(mean.low)} to {short(mean.high)}"
    else:
        within = "no interval from one run" if group.counted == 1 else "no interval: the outcomes do not vary"
    return f"{what}{whose}: {short(mean.estimate)} ({within}), the mean of {runs}."


def _tone(verdict: PairVerdict) -> str:
    tone = TONES[verdict]
    return "neutral" if tone == "quiet" else tone


def _title(one: Versus) -> str:
    mine, theirs = cut(one.group), cut(one.baseline)
    match one.verdict:
        case "better" | "worse":
            return f"{mine} is {one.verdict} than {theirs}"
        case "different":
            return f"{mine} differs from {theirs}"
        case "the same":
            within = f" within {short(one.equivalence.margin)}" if one.equivalence else ""
            return f"{mine} and {theirs} are the same{within}"
        case "no difference shown":
            return f"No difference shown between {mine} and {theirs}"
        case "not enough runs":
            return f"Too few runs to compare {mine} with {theirs}"
        case "not comparable":
            return f"{mine} and {theirs} cannot be compared"


def _title_of_many(counts: Mapping[PairVerdict, int], made: int) -> str:
    parts = [f"{counts[verdict]} {verdict}" for verdict in IN_ORDER if counts.get(verdict)]
    if parts:
        return f"{', '.join(parts)}, of {count(made)} comparisons"
    if counts.get("no difference shown"):
        return "No difference shown"
    return "No conclusion"


def _named(verdict: PairVerdict, made: Sequence[Versus]) -> str:
    several = len({one.task for one in made}) > 1
    return listed(
        [
            f"{cut(one.group)}{f' on {cut(one.task)}' if several and one.task else ''}"
            for one in made
            if one.verdict == verdict
        ],
        _NAMED,
    )
