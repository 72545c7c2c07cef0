"""Caveats of a comparison and the scope of its conclusions."""

from collections import Counter
from collections.abc import Iterator

from rlvitals.comparison.duplicate_runs import repeats_said
from rlvitals.comparison.experiments import COMMIT, ONE_GROUP, UNKNOWN_SETTINGS, VERSIONS
from rlvitals.comparison.result import Comparison
from rlvitals.comparison.wording import AXIS_WORDS, cut, is_known_to_differ, outcome_phrase, short
from rlvitals.formatting import listed

_NAMED = 6
WITHOUT_TEST = frozenset({"not enough runs", "not comparable"})
"""Verdicts of pairs that are not tested, so that nothing is concluded."""


def limits_of(found: Comparison) -> list[str]:
    """Return the caveats and the scope of the conclusions, a sentence each.

    Args:
        found: Comparison to describe.
    """
    return [*foremost(found), *(_limits(found) if found.comparisons else [])]


def foremost(found: Comparison) -> list[str]:
    """Return the caveats that come first: duplicate runs, and runs that are not compared with anything.

    Args:
        found: Comparison to describe.
    """
    return [*repeats_said(found.runs), *_unknown(found), *_alone(found)]


def _unknown(found: Comparison) -> Iterator[str]:
    """Report the runs that recorded no settings, if the caller did not assign them to groups."""
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
        "too, so they are not compared with anything, and their mean is not that of one configuration. "
        f"{way_out}"
    )


def _alone(found: Comparison) -> Iterator[str]:
    """If all runs form one group, report that nothing is compared, why, and how to compare them."""
    runs = [one for one in found.runs if one.repeats is None]
    if len(found.groups) != 1 or (found.groups[0].name == UNKNOWN_SETTINGS and len(found.runs) > 1):
        return
    if len(found.runs) == 1:
        yield (
            "There is only one run, so nothing is compared. Give two or more runs. To rank one run "
            "among the earlier runs of its folder, give its name."
        )
    if len(runs) == 1:
        return
    (group,) = found.groups
    if group.name != ONE_GROUP:
        yield (
            f"These {len(runs)} runs form one group, {group.name}, so nothing is compared. To form several groups, "
            "choose another setting (`--by NAME`) or name them (`old=PATH new=PATH`)."
        )
        return
    apart = ["the seed"] if len({str(one.seed) for one in runs}) > 1 else []
    apart += ["the environment"] if len(group.tasks) > 1 else []
    but = f" except for {' and '.join(apart)}" if apart else ""
    if group.imported:
        same = f"As far as the imported files record them, the settings of these {len(runs)} runs are the same{but}"
        chance = "Settings that the files do not record can differ"
    else:
        same = f"The settings of these {len(runs)} runs are the same{but}"
        chance = "Their differences are chance"
    yield (
        f"{same}, so they form one group and are not compared. {chance}. To compare them run by run, add `--by run` or "
        "name each run (`old=PATH new=PATH`). A single run cannot show that its settings are better. To see where two "
        "runs diverge, compare only those two."
    )
    if COMMIT in group.varying:
        yield f"Their {COMMIT} differs. To group by it, add `--by '{COMMIT}'`."


def horizon_of(found: Comparison) -> str:
    """Return the end of the comparison on its axis, such as `3,000 environment steps`."""
    ends = sorted(set(found.horizons.values()))
    where = short(ends[0]) if len(ends) == 1 else f"{short(ends[0])} to {short(ends[-1])}" if ends else "no"
    return f"{where} {AXIS_WORDS[found.axis]}"


def _limits(found: Comparison) -> Iterator[str]:
    what = outcome_phrase(found.statistic, found.metric)
    where = " in these environments" if len(found.horizons) > 1 else ""
    if any(one.verdict not in WITHOUT_TEST for one in found.comparisons):
        yield (
            f"The conclusions hold for more seeds of these configurations{where}, for {what}, up to "
            f"{horizon_of(found)}. They do not hold for another budget, environment or metric, or for a single seed."
        )
    yield from _causes(found)
    better = Counter((one.task, one.baseline) for one in found.comparisons if one.verdict == "better")
    pairs = {frozenset((one.group, one.baseline)) for one in found.comparisons}
    many = len(found.groups)
    if any(times > 1 for times in better.values()) and len(pairs) < many * (many - 1) // 2:
        yield (
            "The best of the better groups was not determined: each was compared only with the baseline, and the "
            "highest of several means is partly chance. To compare the groups with each other, compare every pair."
        )
    if any(one.verdict == "no difference shown" for one in found.comparisons):
        asked = any(one.equivalence is not None for one in found.comparisons)
        yield "A difference that is not shown may still exist" + (
            "." if asked else ". To test whether two groups are the same, give a margin."
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
            f"The settings of {runs} unknown, so no cause can be named, and each group is assumed to repeat one "
            "experiment."
        )
    elif not named and not partly:
        yield "The recorded configurations of the groups do not differ, so no cause can be named."
    elif len(named) == 1 and not versions and not partly:
        yield f"As far as recorded, the groups differ only in {named[0]}, the likely cause of a difference."
    elif named:
        yield f"The groups differ in {', '.join(named)}. The comparison does not show which of them is the cause."
    if partly and not unknown:
        yield f"Some groups did not record {listed(partly, _NAMED)}, so whether they differ in it is unknown."
    mixed = [cut(group.name) for group in found.groups if any(map(is_known_to_differ, group.varying.values()))]
    if mixed:
        yield (
            f"The runs of {listed(mixed, _NAMED)} differ in more than the seed, so their spread is not due to seeds "
            "alone."
        )
