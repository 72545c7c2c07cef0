"""A comparison in words: the verdict on top, each conclusion, and what may not be concluded."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rlvitals.comparison import Comparison, Versus
from rlvitals.comparison.experiments import UNKNOWN_SETTINGS
from rlvitals.comparison.result import Verdict as Verdicts
from rlvitals.comparison.wording import cut, short
from rlvitals.documents.document import Statement, Statements
from rlvitals.documents.run_tables import TONES
from rlvitals.formatting import count
from rlvitals.summary.verdict import Verdict

MOST_COMPARISONS = 60
"""Comparisons that a report tells of."""

_IN_ORDER: tuple[Verdicts, ...] = ("better", "worse", "different", "the same")
_SHOWN = frozenset(_IN_ORDER)
_WITHOUT = frozenset({"not enough runs", "not comparable"})
_MANY = 12
_CALLED = 100
_NAMED = 6


def verdict_of(found: Comparison) -> Verdict:
    """What a reader should know if he reads nothing else: of one comparison all of it, of many how they went.

    Args:
        found: The comparison.
    """
    made = found.comparisons
    if not made and any(group.name == UNKNOWN_SETTINGS for group in found.groups):
        text = "The settings of these runs are unknown, so nothing is compared. Their results are listed below."
        return Verdict("neutral", "No comparison", text)
    if not made:
        text = "Only one group of runs, so nothing is compared. Its results are listed below."
        return Verdict("neutral", "No comparison", text)
    if len(made) == 1:
        one = made[0]
        return Verdict(_verdict_tone(one.verdict), _title(one), "\n".join(one.sentences))
    counts = Counter(one.verdict for one in made)
    against = f" with {cut(made[0].baseline)}" if len({one.baseline for one in made}) == 1 else ""
    parts = [_named(verdict, many, made) for verdict, many in counts.items() if verdict in _SHOWN]
    open_ones = [f"{many} {verdict}" for verdict, many in counts.items() if verdict not in _SHOWN]
    text = f"Of {count(len(made))} comparisons{against}: {'; '.join([*parts, *open_ones])}."
    if len(counts) > 1 or "no difference shown" not in counts:
        text += " Every verdict takes into account how many comparisons were made."
    matter = [one.name for one in found.settings.influences if one.matters] if found.settings is not None else []
    if matter:
        more = f" and {len(matter) - _NAMED} more" if len(matter) > _NAMED else ""
        named = ", ".join(map(cut, matter[:_NAMED]))
        text += f"\nOver all runs together, these settings are shown to matter: {named}{more}."
    shown = _SHOWN & counts.keys()
    tone = _verdict_tone(next(iter(shown))) if len(shown) == 1 else "neutral"
    if matter and not shown:
        return Verdict(tone, f"No group is shown to differ, but settings matter: {cut(', '.join(matter))}", text)
    return Verdict(tone, _title_of_many(counts, len(made)), text)


def statements_of(found: Comparison) -> Statements:
    """Every comparison with what it means, those that show something first; of many, not those that can show nothing.

    Args:
        found: The comparison.
    """
    order = {verdict: place for place, verdict in enumerate(_IN_ORDER)}
    told = found.comparisons[:MOST_COMPARISONS]
    if len(told) > _MANY:
        told = [one for one in told if one.verdict not in _WITHOUT]
    ordered = sorted(told, key=lambda one: order.get(one.verdict, len(order)))
    return Statements(
        tuple(Statement(name_of(one, found), one.verdict, TONES[one.verdict], tuple(one.sentences)) for one in ordered)
    )


def name_of(versus: Versus, found: Comparison) -> str:
    """What a comparison is called; where there are several environments, on which of them."""
    several = len(found.horizons) > 1
    where = f" on {versus.task or 'all that they share'}" if several and versus.verdict != "not comparable" else ""
    return f"{cut(versus.group, _CALLED)} against {cut(versus.baseline, _CALLED)}{where}"


def _verdict_tone(verdict: Verdicts) -> str:
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
            return f"No difference between {mine} and {theirs} is shown"
        case "not enough runs":
            return f"Too few runs to tell {mine} from {theirs}"
        case "not comparable":
            return f"{mine} and {theirs} cannot be compared"


def _title_of_many(counts: Mapping[Verdicts, int], made: int) -> str:
    parts = [f"{counts[verdict]} {verdict}" for verdict in _IN_ORDER if counts.get(verdict)]
    if parts:
        return f"{', '.join(parts)}, of {count(made)} comparisons"
    if counts.get("no difference shown"):
        return "No difference is shown"
    return "Nothing can be concluded"


def _named(verdict: Verdicts, many: int, made: Sequence[Versus]) -> str:
    names = [f"{cut(one.group)}{f' on {cut(one.task)}' if one.task else ''}" for one in made if one.verdict == verdict]
    if len({one.task for one in made}) == 1:
        names = [cut(one.group) for one in made if one.verdict == verdict]
    more = f" and {many - _NAMED} more" if many > _NAMED else ""
    return f"{many} {verdict} ({', '.join(names[:_NAMED])}{more})"
