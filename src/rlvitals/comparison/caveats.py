"""What may not be concluded from a comparison, and what every conclusion is bound to."""

from collections import Counter
from collections.abc import Iterator

from rlvitals.comparison.duplicate_runs import repeats_said
from rlvitals.comparison.experiments import COMMIT, ONE_GROUP, UNKNOWN_SETTINGS, VERSIONS
from rlvitals.comparison.result import Comparison
from rlvitals.comparison.wording import AXIS_WORDS, cut, is_known_to_differ, listed, outcome_phrase, short

_NAMED = 6


def limits_of(found: Comparison) -> list[str]:
    """What may not be concluded, and what every conclusion is bound to; a sentence each.

    Args:
        found: The comparison.
    """
    return [*foremost(found), *(_limits(found) if found.comparisons else [])]


def foremost(found: Comparison) -> list[str]:
    """What is said before all else: runs that count as one, and runs that are not compared with anything.

    Args:
        found: The comparison.
    """
    return [*repeats_said(found.runs), *_unknown(found), *_alone(found)]


def _unknown(found: Comparison) -> Iterator[str]:
    """Runs that recorded no settings, where nobody said which of them belong together."""
    runs = [one.run for one in found.runs if one.group == UNKNOWN_SETTINGS and one.repeats is None]
    if not runs or len(found.runs) == 1:
        return
    named = listed([*map(cut, runs)], _NAMED)
    way_out = "To compare, name the groups (`old=PATH new=PATH`), or add `--by run`."
    if len(runs) == 1:
        yield f"The settings of one run are unknown: {named}. It is not compared with anything. {way_out}"
        return
    yield (
        f"The settings of these {len(runs)} runs are unknown: {named}. Whether they repeat one experiment is unknown "
        "too. They are not compared with anything, and a mean over them is not that of one configuration. "
        f"{way_out}"
    )


def _alone(found: Comparison) -> Iterator[str]:
    """Of several runs that are one group: that nothing is compared, why, and what to do."""
    runs = [one for one in found.runs if one.repeats is None]
    if len(found.groups) != 1 or len(runs) == 1 or found.groups[0].name == UNKNOWN_SETTINGS:
        return
    (group,) = found.groups
    if group.name != ONE_GROUP:
        yield (
            f"These {len(runs)} runs are one group, {group.name}: they are not held against each other, and nothing is "
            "compared."
        )
        return
    apart = ["the seed"] if len({str(one.seed) for one in runs}) > 1 else []
    apart += ["the environment"] if len(group.tasks) > 1 else []
    but = f" but for {' and '.join(apart)}" if apart else ""
    yield (
        f"The settings of these {len(runs)} runs are the same{but}: they are one group, and are not held against "
        "each other, as what parts them is luck. `--by run`, or a name for each (`old=PATH new=PATH`), holds them "
        "against each other run by run; but no run alone shows that its settings are better. Where two runs part is "
        "said where these two alone are compared."
    )
    if COMMIT in group.varying:
        yield f"Their {COMMIT} differs, which makes no group unless it is asked for: `--by '{COMMIT}'`."


def horizon_of(found: Comparison) -> str:
    """Where runs are compared, and on which axis."""
    ends = sorted(set(found.horizons.values()))
    where = short(ends[0]) if len(ends) == 1 else f"{short(ends[0])} to {short(ends[-1])}" if ends else "no"
    return f"{where} {AXIS_WORDS[found.axis]}"


def _limits(found: Comparison) -> Iterator[str]:
    what = outcome_phrase(found.statistic, found.metric)
    where = " in these environments" if len(found.horizons) > 1 else ""
    yield (
        f"What is said holds for further seeds of these configurations{where}, for {what}, up to {horizon_of(found)}: "
        "for no other budget, environment or metric, and for no single seed."
    )
    yield from _causes(found)
    better = Counter((one.task, one.baseline) for one in found.comparisons if one.verdict == "better")
    pairs = {frozenset((one.group, one.baseline)) for one in found.comparisons}
    many = len(found.groups)
    if any(times > 1 for times in better.values()) and len(pairs) < many * (many - 1) // 2:
        yield (
            "Which of the better groups is the best was not tested: they were held against the baseline, and the "
            "highest of several means is high by luck too. Compare every pair to hold them against each other."
        )
    if any(one.verdict == "no difference shown" for one in found.comparisons):
        asked = any(one.equivalence is not None for one in found.comparisons)
        yield "That no difference is shown does not mean that there is none" + (
            "." if asked else ": give a margin to ask whether two groups are the same within it."
        )


def _causes(found: Comparison) -> Iterator[str]:
    compared = {name for one in found.comparisons for name in (one.group, one.baseline)}
    differences = {
        name: [value for group, value in values.items() if group in compared]
        for name, values in found.differences.items()
    }
    known = [name for name, values in differences.items() if is_known_to_differ(values)]
    settings = [name for name in known if not name.startswith(VERSIONS)]
    versions = len(known) - len(settings)
    partly = [cut(name) for name, values in differences.items() if name not in known and len({*map(repr, values)}) > 1]
    unknown = sum(group.settings_unknown for group in found.groups if group.name in compared)
    named = [cut(name) for name in settings[:_NAMED]]
    named += [f"{len(settings) - _NAMED} more settings"] if len(settings) > _NAMED else []
    named += [f"{versions} package {'version' if versions == 1 else 'versions'}"] if versions else []
    if unknown:
        runs = "1 run is" if unknown == 1 else f"{unknown} runs are"
        yield (
            f"The settings of {runs} unknown: a cause cannot be named, and that each group repeats one experiment is "
            "assumed."
        )
    elif not named and not partly:
        yield "Nothing that was recorded of their configurations differs between the groups: a cause cannot be named."
    elif len(named) == 1 and not versions and not partly:
        yield f"As far as was recorded, the groups differ in {named[0]} alone: the likely cause of a difference."
    elif named:
        yield f"The groups differ in {', '.join(named)}: which of them is the cause is not shown."
    if partly and not unknown:
        yield f"Some groups did not record {listed(partly, _NAMED)}: whether they differ in that is unknown."
    mixed = [cut(group.name) for group in found.groups if any(map(is_known_to_differ, group.varying.values()))]
    if mixed:
        yield (
            f"The runs of {listed(mixed, _NAMED)} differ among themselves by more than the seed: their "
            "spread is not that of seeds alone."
        )
